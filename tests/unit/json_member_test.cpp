#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <nlohmann/json.hpp>

#include <wsbench/json_member.hpp>
#include <wsbench/scenario.hpp>

#include "catch.hpp"

using namespace std::string_view_literals;
using wsbench::json_member;
using wsbench::json_value;

namespace {

using Found = std::optional<std::string_view>;

constexpr Found nothing{};

struct Case {
  std::string_view message{};
  Found value{};
};

// The message in memory of just its size, so that the address sanitizer sees a read past its end.
class Exactly {
 public:
  explicit Exactly(std::string_view text) : bytes_(text.begin(), text.end()) { bytes_.shrink_to_fit(); }
  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

void check_cases(const std::vector<Case>& cases) {
  for (const auto& [message, value] : cases) {
    INFO(message);
    const Exactly copy{message};
    CHECK(json_value(copy.text(), "id") == value);
  }
}

// Writes documents that are right, and as odd as JSON allows.
class RandomJson {
 public:
  explicit RandomJson(std::uint32_t seed) : random_(seed) {}

  static const std::vector<std::string>& names() {
    static const std::vector<std::string> all{"id",         "ref", "payload", "", "a/b", "\"id\"", "\\", "gr\u00f6\u00dfe",
                                              "\U0001F600", "i",   "idd"};
    return all;
  }

  std::string object(int depth) {
    std::string text = "{" + space();
    bool first = true;
    for (const std::string& name : names()) {
      if (below(3) != 0) continue;
      if (!first) text += space() + "," + space();
      first = false;
      text += string_of(name) + space() + ":" + space() + value(depth);
    }
    return text + space() + "}";
  }

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

 private:
  std::string value(int depth) {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0: return "null";
      case 1: return below(2) == 0 ? "true" : "false";
      case 2: return std::to_string(below(1000));
      case 3: return "-0.5e+7";
      case 4: return string_of("{\"id\":1}");
      case 5: return string_of(names()[below(static_cast<std::uint32_t>(names().size()))]);
      case 6: return "[" + space() + "]";
      case 7: return "[" + value(depth - 1) + space() + "," + object(depth - 1) + "]";
      default: return object(depth - 1);
    }
  }

  std::string space() {
    std::string text;
    while (below(3) == 0) text += " \t\r\n"[below(4)];
    return text;
  }

  // With some of what need not be escaped escaped.
  std::string string_of(const std::string& characters) {
    const std::string plain = nlohmann::json(characters).dump(-1, ' ', below(2) == 0);
    std::string text;
    for (std::size_t place = 0; place < plain.size(); ++place) {
      const bool escape = plain[place] == '\\';
      if (escape) text += plain[place++];
      if (!escape && plain[place] == 'o' && below(2) == 0) {
        text += below(2) == 0 ? "\\u006f" : "\\u006F";
      } else if (!escape && plain[place] == '/' && below(2) == 0) {
        text += "\\/";
      } else {
        text += plain[place];
      }
    }
    return text;
  }

  std::mt19937 random_;
};

nlohmann::json parsed(std::string_view raw, bool is_string) {
  return nlohmann::json::parse(is_string ? '"' + std::string(raw) + '"' : std::string(raw));
}

bool same(const Found& found, const nlohmann::json* expected) {
  if (!found || expected == nullptr) return !found && expected == nullptr;
  return parsed(*found, expected->is_string()) == *expected;
}

const nlohmann::json* member(const nlohmann::json* object, const std::string& name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("the member of the message's own object is found, whatever it is", "[json_member]") {
  check_cases({
      {R"({"id":17})", "17"},
      {R"({"id":"17"})", "17"},
      {R"({"id":-1.5e+3})", "-1.5e+3"},
      {R"({"id":0})", "0"},
      {R"({"id":true,"x":1})", "true"},
      {R"({"id":false })", "false"},
      {R"({"id":null})", "null"},
      {R"({"id":""})", ""},
      {R"({"id":{}})", "{}"},
      {R"({"id":[]})", "[]"},
      {R"({"id":{"id":[1,"}]"]},"x":1})", R"({"id":[1,"}]"]})"},
      {R"({"id":[{"a":"]"},[2]]})", R"([{"a":"]"},[2]])"},
      {"\t\r\n {\n \"id\" \t:\r 17 \n} ", "17"},
      {R"({"a":1,"b":"2","c":[3,{"id":4}],"d":{"id":5},"e":null,"id":6})", "6"},
      {R"({"id":1,"id":2})", "1"},
      {"{\"gr\xc3\xb6\xc3\x9f\x65\":1,\"id\":\"\xf0\x9f\x98\x80\"}", "\xf0\x9f\x98\x80"},
      {"{\"id\":\"a\0b\"}"sv, "a\0b"sv},
  });
}

TEST_CASE("what only looks like the member is none", "[json_member]") {
  check_cases({
      {R"({"x":{"id":1}})", nothing},
      {R"({"x":[{"id":1}]})", nothing},
      {R"([{"id":1}])", nothing},
      {R"({"x":"id"})", nothing},
      {R"({"x":"\"id\":1"})", nothing},
      {R"({"x":",\"id\":1,"})", nothing},
      {R"({"x":"\\","id":1})", "1"},
      {R"({"x":"\\\"","id":1})", "1"},
      {R"({"x":"\\\\\"id\":1"})", nothing},
      {R"({"\"id":1})", nothing},
      {R"({"id\"":1})", nothing},
      {R"({"id ":1," id":2,"ID":3,"i":4,"idd":5,"":6})", nothing},
      {R"({})", nothing},
      {R"("id")", nothing},
      {R"(17)", nothing},
      {R"(null)", nothing},
      {"", nothing},
      {"   ", nothing},
  });
}

TEST_CASE("a string's escapes are left as they are, a name's are understood", "[json_member]") {
  check_cases({
      {R"({"id":"a\"b\\c\u0041"})", R"(a\"b\\c\u0041)"},
      {R"({"id":"\\"})", R"(\\)"},
      {R"({"\u0069d":1})", "1"},
      {R"({"i\u0064":1})", "1"},
      {R"({"\u0069\u0064":1})", "1"},
      {R"({"\u0049d":1})", nothing},
      {R"({"\u0069d ":1})", nothing},
      {R"({"\u0069":1})", nothing},
      {R"({"\ud83d":1,"id":2})", "2"},
  });
  const auto named = [](std::string_view message, std::string_view name) { return json_value(Exactly{message}.text(), name).has_value(); };
  CHECK(named(R"({"a\/b":1})", "a/b"));
  CHECK(named(R"({"a/b":1})", "a/b"));
  CHECK(named(R"({"\b\f\n\r\t\"\\\/":1})", "\b\f\n\r\t\"\\/"));
  CHECK(named(R"({"\u00f6":1})", "\xc3\xb6"));
  CHECK(named(R"({"\u20AC":1})", "\xe2\x82\xac"));
  CHECK(named(R"({"\uD83D\ude00":1})", "\xf0\x9f\x98\x80"));
  CHECK(named(R"({"\u0000":1})", "\0"sv));
  CHECK(named(R"({"":1})", ""));
  CHECK_FALSE(named(R"({"a\nb":1})", R"(a\nb)"));
  CHECK_FALSE(named(R"({"\n":1})", R"(\n)"));
  CHECK_FALSE(named(R"({"\x":1})", "x"));
  CHECK_FALSE(named(R"({"\u00g0":1})", "\0"sv));
  CHECK_FALSE(named(R"({"\u:000":1})", "\xc2\xa0"));
  CHECK_FALSE(named(R"({"\u00":1})", ""));
  for (const std::string_view half :
       {R"({"\ud83d":1})", R"({"\ud83dx":1})", R"({"\ud83d\n":1})", R"({"\ud83d\u0041":1})", R"({"\ude00":1})"}) {
    INFO(half);
    CHECK_FALSE(named(half, "\xf0\x9f\x98\x80"));
    CHECK_FALSE(named(half, "\xed\xa0\xbd"));
    CHECK_FALSE(named(half, "\xed\xb8\x80"));
  }
}

TEST_CASE("broken JSON on the way to the member is nothing", "[json_member]") {
  check_cases({
      {R"({"id")", nothing},
      {R"({"id":)", nothing},
      {R"({"id":})", nothing},
      {R"({"id":,"x":1})", nothing},
      {R"({"id" 1})", nothing},
      {R"({"id"=1})", nothing},
      {R"({id:1})", nothing},
      {R"({'id':1})", nothing},
      {R"({,"id":1})", nothing},
      {R"({"x":1,,"id":1})", nothing},
      {R"({"x":1 "id":1})", nothing},
      {R"({"x":1;"id":1})", nothing},
      {R"({"x" "id":1})", nothing},
      {R"({1:2,"id":1})", nothing},
      {R"({"x":y,"id":1})", nothing},
      {R"({"x":1.,"id":1})", nothing},
      {R"({"x":[1},"id":1})", nothing},
      {R"({"x":{1],"id":1})", nothing},
      {R"({"x":"\","id":1})", nothing},
      {R"({"x":]1,"id":1})", nothing},
      {R"({"id":[})", nothing},
      {R"({"id":{]})", nothing},
      {R"("id":1)", nothing},
      {R"(}{"id":1})", nothing},
      {"\xef\xbb\xbf{\"id\":1}", nothing},
  });
}

TEST_CASE("a number is what JSON calls one", "[json_member]") {
  for (const char* number : {"0", "-0", "10", "-10.25", "0.0", "1e5", "1E+5", "1.5e-05", "123456789012345678901234567890"}) {
    INFO(number);
    CHECK(json_value("{\"id\":" + std::string(number) + "}", "id") == number);
    CHECK(nlohmann::json::accept(number));
  }
  for (const char* number :
       {"+1", "-", "01", "00", "1.", ".5", "1e", "1e+", "1.e5", "0x10", "1_000", "Infinity", "NaN", "1-2", "tru", "truee", "Null"}) {
    INFO(number);
    CHECK(json_value("{\"id\":" + std::string(number) + "}", "id") == nothing);
    CHECK_FALSE(nlohmann::json::accept(number));
  }
}

TEST_CASE("names lead inwards", "[json_member]") {
  const std::string_view message = R"({"ref":0,"payload":{"x":{"ref":1},"y":[{"ref":2}],"ref":{"ref":"3"},"list":[4]}})";
  CHECK(json_value(message, "ref") == "0");
  CHECK(json_value(message, "payload", "ref") == R"({"ref":"3"})");
  CHECK(json_value(message, "payload", "ref", "ref") == "3");
  CHECK(json_value(message, "payload", "x", "ref") == "1");
  CHECK(json_value(message, "payload", "y", "ref") == nothing);
  CHECK(json_value(message, "payload", "list", "0") == nothing);
  CHECK(json_value(message, "payload", "z", "ref") == nothing);
  CHECK(json_value(message, "ref", "ref") == nothing);
  CHECK(json_value(R"({"a":{},"a":{"b":1}})", "a", "b") == nothing);  // the first counts, at every step
}

TEST_CASE("what is behind the member is not read", "[json_member]") {
  check_cases({{R"({"id":1, and the rest is lost)", "1"}, {R"({"id":"1")", "1"}, {R"({"id":{"x":1})", R"({"x":1})"}});
}

TEST_CASE("a message cut short anywhere gives the whole value or nothing", "[json_member]") {
  const std::string_view message =
      "{ \"x\\u00e4\":\"\\\\\\\"\", \"y\":[{\"id\":-1},[\"]\"]], \"z\":1.5e3, \"payload\":{\"id\":\"12\\n3\"}, \"id\":-45.6e7 }";
  REQUIRE(nlohmann::json::accept(message));
  std::size_t with_inner = 0;
  std::size_t with_outer = 0;
  for (std::size_t size = 0; size <= message.size(); ++size) {
    INFO("the first " << size << " bytes");
    const Exactly cut{message.substr(0, size)};
    const Found inner = json_value(cut.text(), "payload", "id");
    const Found outer = json_value(cut.text(), "id");
    CHECK((!inner || *inner == "12\\n3"));
    CHECK((!outer || *outer == "-45.6e7"));
    with_inner += inner ? 1 : 0;
    with_outer += outer ? 1 : 0;
    CHECK_FALSE(json_value(cut.text(), "y", "id").has_value());
  }
  CHECK(with_inner == message.size() - message.find("}, \"id\"") + 1);
  CHECK(with_outer == 2);
}

TEST_CASE("nesting a hundred thousand deep is passed over", "[json_member]") {
  const std::string opening(100'000, '[');
  const std::string closing(100'000, ']');
  CHECK(json_value("{\"x\":" + opening + closing + ",\"id\":1}", "id") == "1");
  CHECK(json_value("{\"x\":" + opening + closing.substr(1) + ",\"id\":1}", "id") == nothing);
  CHECK(json_value("{\"x\":" + opening, "id") == nothing);
  std::string objects;
  for (int depth = 0; depth < 20'000; ++depth) objects += "{\"id\":";
  CHECK(json_value(objects, "id") == nothing);
  CHECK(json_value("{\"x\":\"" + std::string(100'000, '\\') + "\",\"id\":1}", "id") == "1");
}

TEST_CASE("random documents are read as nlohmann/json reads them", "[json_member]") {
  RandomJson random{20261124};
  std::size_t found = 0;
  for (int round = 0; round < 1'500; ++round) {
    const std::string text = random.object(4);
    INFO(text);
    const nlohmann::json document = nlohmann::json::parse(text);
    const Exactly message{text};
    bool all_same = true;
    for (const std::string& first : RandomJson::names()) {
      const nlohmann::json* outer = member(&document, first);
      all_same = all_same && same(json_value(message.text(), first), outer);
      found += outer != nullptr ? 1 : 0;
      for (const std::string& second : {std::string("id"), std::string(), std::string("\"id\"")}) {
        const nlohmann::json* inner = member(outer, second);
        all_same = all_same && same(json_value(message.text(), first, second), inner) &&
                   same(json_value(message.text(), first, second, "payload"), member(inner, "payload"));
        found += inner != nullptr ? 1 : 0;
      }
    }
    CHECK(all_same);
  }
  CHECK(found > 5'000);
}

TEST_CASE("a damaged document harms nobody", "[json_member]") {
  RandomJson random{7};
  for (int round = 0; round < 8'000; ++round) {
    std::string text = random.object(2);
    for (std::uint32_t damage = 0; damage <= random.below(3); ++damage) {
      text[random.below(static_cast<std::uint32_t>(text.size()))] = "\"\\{}[]:,u0 x\xff"[random.below(13)];
    }
    INFO(text);
    const Exactly message{text};
    const std::string_view all = message.text();
    const Found value = json_value(all, "id");
    if (value && (value->data() < all.data() || value->data() + value->size() > all.data() + all.size())) FAIL("outside the message");
    (void)json_value(all, "payload", "ref");
    (void)json_member("id")(all);
  }
}

TEST_CASE("an id is the same however a server writes it", "[json_member]") {
  const wsbench::Correlation id = json_member("id");
  REQUIRE(id(R"({"id":17})").has_value());
  CHECK(id(R"({"id":17})") == id(R"({ "op":"answer", "id" : "17" })"));
  CHECK(id(R"({"id":17})") != id(R"({"id":18})"));
  CHECK(id(R"({"id":17})") != id(R"({"id":"17 "})"));
  CHECK(id(R"({"id":1})") != id(R"({"id":"01"})"));
  CHECK(id(R"({"id":"a/b"})") == id(R"({"id":"a\/b"})"));
  CHECK(id("{\"id\":\"\xc3\xb6 \xf0\x9f\x98\x80\"}") == id(R"({"id":"\u00f6 \ud83d\ude00"})"));
  CHECK(id(R"({"id":"a\nb"})") != id(R"({"id":"a\\nb"})"));
  CHECK(id(R"({"id":"\u0000"})") != id(R"({"id":"\u0000\u0000"})"));
  CHECK(id(R"({"id":true})") == id(R"({"id":"true"})"));
  CHECK(json_member("payload", "ref")(R"({"payload":{"ref":17}})") == id(R"({"id":17})"));
}

TEST_CASE("what is no id is none", "[json_member]") {
  const wsbench::JsonMember id = json_member("id");
  for (const char* message : {R"({})", R"({"x":1})", R"({"id":null})", R"({"id":""})", R"({"id":{}})", R"({"id":{"x":1}})", R"({"id":[1]})",
                              R"({"id":"\x"})", R"({"id":"\u00g0"})", R"({"id":"\ude00\udc00"})", R"({"id":"\ud83d\ue000"})",
                              R"({"id":"\ud83d"})", R"({"id":"\u12"})", R"({"id":)", R"([17])", "", "id"}) {
    INFO(message);
    CHECK_FALSE(id(Exactly{message}.text()).has_value());
  }
  CHECK(id(R"({"id":"null"})").has_value());
  CHECK(id(R"({"id":"{}"})").has_value());
  CHECK(id(R"({"id":0})").has_value());
}

TEST_CASE("ids that differ have hashes that differ", "[json_member][exhaustive]") {
  const wsbench::JsonMember id = json_member("id");
  const auto id_of = [&id](const std::string& characters) { return id("{\"id\":\"" + characters + "\"}").value(); };
  std::unordered_set<std::uint64_t> ids;
  std::size_t count = 0;
  const auto add = [&](const std::string& characters) {
    ids.insert(id_of(characters));
    ++count;
  };
  for (std::uint32_t number = 0; number < 30'000; ++number) add(std::to_string(number));
  for (std::uint32_t number = 0; number < 30'000; ++number) add("user-7/message-" + std::to_string(number));
  for (std::uint32_t number = 0; number < 30'000; ++number) add(std::to_string(number) + "-4f3c-9b1d-a0e1c2d3e4f5");
  for (std::size_t length = 1; length < 1'000; ++length) add(std::string(length, 'x'));
  CHECK(ids.size() == count);

  // Each of the 64 bits is as often one as not, or tables of ids would fill unevenly.
  std::vector<int> ones(64);
  for (std::uint32_t number = 0; number < 10'000; ++number) {
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(id_of(std::to_string(number)) >> bit & 1);
  }
  for (const int of_bit : ones) CHECK(std::abs(of_bit - 5'000) < 300);
}
