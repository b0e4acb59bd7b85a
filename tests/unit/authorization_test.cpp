#include <cstdlib>
#include <string>

#include <wsbench/authorization.hpp>

#include "catch.hpp"
#include "support/scratch_file.hpp"
#include "support/text_checks.hpp"

using support::has;
using support::ScratchFile;
using wsbench::read_secret;

namespace {

std::string refusal_of(const std::string& place) {
  try {
    read_secret(place);
  } catch (const wsbench::Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a token and a password are headers of the upgrade request", "[authorization]") {
  CHECK(wsbench::bearer("mF_9.B5f-4.1JqM") == wsbench::Header{"Authorization", "Bearer mF_9.B5f-4.1JqM"});
  // The example of RFC 7617 section 2.
  CHECK(wsbench::basic("Aladdin:open sesame") == wsbench::Header{"Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="});
}

TEST_CASE("a secret is what stands in a file or in the environment, without the line end", "[authorization]") {
  CHECK(read_secret(ScratchFile("open sesame\r\n").name()) == "open sesame");
  CHECK(read_secret(ScratchFile("open sesame").name()) == "open sesame");
  ::setenv("WSBENCH_TEST_SECRET", "from here", 1);
  CHECK(read_secret("env:WSBENCH_TEST_SECRET") == "from here");
  ::unsetenv("WSBENCH_TEST_SECRET");
}

TEST_CASE("a secret that is not there is refused by its place, and never shown", "[authorization]") {
  CHECK(has(refusal_of("/nowhere/secret"), "/nowhere/secret"));
  CHECK(has(refusal_of("env:WSBENCH_TEST_NO_SECRET"), "WSBENCH_TEST_NO_SECRET"));
  CHECK(has(refusal_of(ScratchFile("\n").name()), "is empty"));
  const std::string two_lines = refusal_of(ScratchFile("sesame\nsalt\n").name());
  CHECK(has(two_lines, "more than a line"));
  CHECK_FALSE(has(two_lines, "sesame"));
}
