#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <wsbench/publication.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using wsbench::Publication;

TEST_CASE("a publication is found in any message it stands in", "[publication]") {
  const Publication publication{7, 42, 1234567890ns};
  const std::string text = publication.text();
  CHECK(text.size() == Publication::text_size);
  CHECK(text == "pub:000000070000002a@00000000499602d2");
  for (const std::string& message : {text, "x" + text + "x", R"({"op":"said","text":")" + text + R"("})", "pub:pub:" + text, text + text}) {
    INFO(message);
    CHECK(Publication::find_in(message) == publication);
  }
}

TEST_CASE("the largest publication is written and read", "[publication]") {
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  const Publication publication{most, most, std::chrono::nanoseconds::max()};
  CHECK(Publication::find_in(publication.text()) == publication);
}

TEST_CASE("what is no whole publication is none", "[publication]") {
  const std::string text = Publication{1, 2, 3ns}.text();
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(Publication::find_in(text.substr(0, size)).has_value());
  for (std::size_t place = 0; place < text.size(); ++place) {
    std::string damaged = text;
    damaged[place] = 'z';
    INFO(damaged);
    CHECK_FALSE(Publication::find_in(damaged).has_value());
  }
}
