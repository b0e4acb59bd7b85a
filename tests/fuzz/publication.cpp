// A publication's text: found wherever it stands, and what is found stands there.

#include <cctype>
#include <optional>
#include <string>
#include <string_view>

#include <wsbench/publication.hpp>

#include "support/fuzzing.hpp"

using support::demand;
using wsbench::Publication;

namespace {

std::string lower_case(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string message(support::text_of(data, size));
  const std::optional<Publication> found = Publication::find_in(message);
  if (found) {
    demand(lower_case(message).find(lower_case(found->text())) != message.npos, "what is found stands in the message");
    demand(Publication::find_in(found->text()) == found, "what is found, written and found again is the same");
  }
  const std::uint64_t seed = support::seed_of(message);
  const Publication other{static_cast<std::uint32_t>(seed >> 32U), static_cast<std::uint32_t>(seed),
                          std::chrono::nanoseconds{static_cast<std::int64_t>(seed)}};
  demand(Publication::find_in(other.text() + message) == other, "the first one counts");
  demand(Publication::find_in(message + other.text()) == found.value_or(other), "what stands before it does not hide it");
  return 0;
}
