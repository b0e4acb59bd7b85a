// Changes reports as JSON, so that most inputs are JSON: a value becomes another one, or goes, or libFuzzer changes the text.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/random.hpp>

using Json = nlohmann::ordered_json;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

// All values in it, with the containers they stand in.
void collect(Json& value, std::vector<Json*>& values) {
  values.push_back(&value);
  for (auto& inner : value) {
    if (value.is_structured()) collect(inner, values);
  }
}

Json unusual(wsbench::Random& random) {
  const std::array<Json, 12> values{Json(nullptr),
                                    Json(true),
                                    Json(0),
                                    Json(1),
                                    Json(-1),
                                    Json(std::numeric_limits<std::uint64_t>::max()),
                                    Json(std::numeric_limits<std::int64_t>::max()),
                                    Json(std::numeric_limits<std::int64_t>::min()),
                                    Json(1e308),
                                    Json(""),
                                    Json::array(),
                                    Json::object()};
  return values[random() % values.size()];
}

void change(Json& document, wsbench::Random& random) {
  std::vector<Json*> values;
  collect(document, values);
  Json& target = *values[random() % values.size()];
  switch (random() % 5) {
    case 0: target = unusual(random); break;
    case 1: target = Json(*values[random() % values.size()]); break;
    case 2:
      if (target.is_structured() && !target.empty()) target.erase(std::next(target.begin(), random() % target.size()));
      break;
    case 3:
      if (target.is_array() && !target.empty()) target.push_back(Json(target[random() % target.size()]));
      break;
    default:
      if (target.is_number_unsigned()) target = target.get<std::uint64_t>() + random() % 3 - 1;
      break;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  wsbench::Random random{seed};
  Json document = Json::parse(std::string_view(reinterpret_cast<const char*>(data), size), nullptr, false);
  if (document.is_discarded() || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (std::uint32_t changes = 1 + random() % 2; changes > 0; --changes) change(document, random);
  const std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > max_size) return size;
  std::copy(text.begin(), text.end(), data);
  return text.size();
}
