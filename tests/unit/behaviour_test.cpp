#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <wsbench/behaviour.hpp>

#include "catch.hpp"

using wsbench::Behaviour;
using wsbench::Part;
using wsbench::PartDealer;
using wsbench::Session;
using wsbench::Task;

namespace {

Task chatter(Session&) {
  co_return;
}
Task lurker(Session&) {
  co_return;
}

std::vector<std::uint64_t> dealt(const std::vector<Part>& parts, std::uint64_t users) {
  PartDealer dealer(parts);
  std::vector<std::uint64_t> counts(parts.size());
  for (std::uint64_t user = 0; user < users; ++user) ++counts[dealer.next()];
  return counts;
}

}  // namespace

TEST_CASE("a mix deals users by weight, within one of each share at any time", "[behaviour]") {
  const Behaviour mixed = wsbench::mix({{chatter, 70}, {lurker, 25}, {chatter, 5}});
  CHECK(dealt(mixed.parts(), 100) == std::vector<std::uint64_t>{70, 25, 5});
  for (std::uint64_t users = 1; users < 300; ++users) {
    const std::vector<std::uint64_t> counts = dealt(mixed.parts(), users);
    for (std::size_t part = 0; part < counts.size(); ++part) {
      const double share = static_cast<double>(users) * mixed.parts()[part].weight / 100;
      INFO(users << " users, part " << part);
      CHECK(std::abs(static_cast<double>(counts[part]) - share) <= 1);
    }
  }
}

TEST_CASE("counted parts of a mix take the first users, the others share the rest by weight", "[behaviour]") {
  const Behaviour mixed = wsbench::mix({{.behaviour = lurker}, {.behaviour = chatter, .clients = 3}, {.behaviour = lurker, .weight = 3}});
  PartDealer dealer(mixed.parts());
  for (int user = 0; user < 3; ++user) CHECK(dealer.next() == 1);
  CHECK(dealt(mixed.parts(), 43) == std::vector<std::uint64_t>{10, 3, 30});
}

TEST_CASE("users beyond a mix of counted parts have the last one", "[behaviour]") {
  const Behaviour mixed = wsbench::mix({{.behaviour = chatter, .clients = 2}, {.behaviour = lurker, .clients = 1}});
  CHECK(dealt(mixed.parts(), 5) == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("the parts of a mix have names of their own", "[behaviour]") {
  const Behaviour mixed =
      wsbench::mix({{chatter, 1}, {lurker, 1}, {Behaviour{chatter, "chatter"}}, {.behaviour = lurker, .name = "custom"}});
  std::vector<std::string> names;
  for (const Part& part : mixed.parts()) names.push_back(part.name);
  CHECK(names == std::vector<std::string>{"custom", "custom 2", "chatter", "custom 3"});
  CHECK(mixed.name() == "mix");
  CHECK(static_cast<bool>(mixed));
}

TEST_CASE("a mix goes on until the load is over if one of its parts does", "[behaviour]") {
  CHECK_FALSE(wsbench::mix({{chatter}, {lurker}}).is_endless());
  CHECK(wsbench::mix({{chatter}, {Behaviour{lurker}.endless()}}).is_endless());
}

TEST_CASE("messages that contain a text are told", "[behaviour]") {
  const auto said = wsbench::containing("said");
  CHECK(said("he said so"));
  CHECK_FALSE(said("sai"));
}
