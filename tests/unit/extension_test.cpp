#include <optional>
#include <string>
#include <vector>

#include <wsbench/net/extension.hpp>

#include "catch.hpp"

using wsbench::detail::Extension;
using wsbench::detail::parse_extensions;

TEST_CASE("a list of extensions is read as RFC 6455 section 9.1 writes it", "[extension]") {
  struct Row {
    std::string header;
    std::vector<Extension> extensions;
  };
  const std::vector<Row> rows{
      {"a", {{"a", {}}}},
      {" a\t", {{"a", {}}}},
      {"a, b", {{"a", {}}, {"b", {}}}},
      {"a,a", {{"a", {}}, {"a", {}}}},
      {"a; p; q=1,b ;r = \"2\"", {{"a", {{"p", {}}, {"q", "1"}}}, {"b", {{"r", "2"}}}}},
      {R"(a; p="x\y")", {{"a", {{"p", "xy"}}}}},
      {"a;p;p", {{"a", {{"p", {}}, {"p", {}}}}}},
  };
  for (const Row& row : rows) {
    INFO(row.header);
    CHECK(parse_extensions(row.header) == row.extensions);
  }
}

TEST_CASE("what breaks the grammar is no list of extensions", "[extension]") {
  for (const char* header : {"",       " ",     ",",     "a,",           ",a",       "a;",         "a;;b",         "a b",
                             "a; p q", "a; =1", "a; p=", "a; p=\"\"",    "a; p=\"1", "a; p=\"1\\", "a; p=\"1 2\"", "a; p=\"1\"2",
                             "a/b",    "a=1",   "\"a\"", "a; p=\"1\n\"", "\xc3\xa4"}) {
    INFO(header);
    CHECK_FALSE(parse_extensions(header).has_value());
  }
}
