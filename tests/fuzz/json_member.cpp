// Members of JSON messages: in whatever is JSON, those that a parser of the whole finds.

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/json_member.hpp>

#include "support/fuzzing.hpp"

using support::demand;
using Json = nlohmann::ordered_json;

namespace {

// What a parser makes of it; nothing if it is not JSON, or has a key twice, of which a parser takes the last.
std::optional<Json> parsed(std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  bool doubled = false;
  const auto watch = [&](int depth, Json::parse_event_t event, const Json& value) {
    demand(depth < 10'000, "the input is small");
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key) doubled = !open_objects.back().insert(value.get<std::string>()).second || doubled;
    return true;
  };
  Json document;
  try {
    document = Json::parse(text, watch);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
  if (doubled) return std::nullopt;
  return document;
}

template <class... Names>
void require_member(std::string_view text, const Json& member, const std::string& rewritten, const Names&... names) {
  const std::optional<std::string_view> found = wsbench::json_value(text, names...);
  demand(found.has_value(), "every member is found");
  const std::string whole = member.is_string() ? '"' + std::string(*found) + '"' : std::string(*found);
  demand(Json::parse(whole) == member, "its value is found");
  const std::optional<std::uint64_t> id = wsbench::json_member(names...)(text);
  const bool is_id = !member.is_null() && !member.is_structured() && member != "";
  demand(id.has_value() == is_id, "strings, numbers and booleans are ids");
  if (member.is_string()) demand(wsbench::json_member(names...)(rewritten) == id, "an id is the same with other escapes");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = support::text_of(data, size);
  // Whatever it is, JSON or not, none of these read past it.
  (void)wsbench::json_value(text, "id");
  (void)wsbench::json_member("id")(text);
  (void)wsbench::json_member("payload", "ref")(text);
  const std::optional<Json> document = parsed(text);
  if (!document) return 0;
  if (!document->is_object()) {
    demand(!wsbench::json_value(text, "id"), "what is no object has no members");
    return 0;
  }
  const std::string rewritten = document->dump(1, '\t', true);
  std::string absent = "no such member";
  for (const auto& [name, member] : document->items()) {
    absent += name;
    require_member(text, member, rewritten, name);
    if (!member.is_object()) continue;
    for (const auto& [inner, value] : member.items()) require_member(text, value, rewritten, name, inner);
  }
  demand(!wsbench::json_value(text, absent), "no member is made up");
  return 0;
}
