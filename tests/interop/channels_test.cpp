// A chat room on Django Channels, Daphne and Redis: what its consumers count, and what the report says.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <wsbench/json_member.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/channels_server.hpp"
#include "support/eventually.hpp"
#include "support/report_checks.hpp"

using namespace std::chrono_literals;
using support::ChannelsCounts;
using wsbench::Behaviour;
using wsbench::Reply;
using wsbench::Report;
using wsbench::Session;
using wsbench::Task;

namespace {

constexpr std::uint64_t users = 200, speakers = 20, messages = 2, said = speakers * messages;

struct Heard {
  std::uint64_t count{0};
};

Task ask(Session& user, std::uint64_t id, std::string_view operation, std::string_view answer, std::string_view more) {
  const std::string number = std::to_string(id);
  const std::string message = R"({"id":)" + number + R"(,"op":")" + std::string(operation) + "\"," + std::string(more) + '}';
  const Reply reply = co_await user.request(operation, message);
  user.check(operation, reply && wsbench::json_value(reply.text(), "op") == answer && wsbench::json_value(reply.text(), "id") == number);
}

// Comes in, speaks if it is a speaker, and stays until it has heard everything.
Task guest(Session& user, std::atomic<std::uint64_t>& present) {
  co_await ask(user, 1, "login", "welcome", R"("name":"guest )" + std::to_string(user.id()) + '"');
  co_await ask(user, 2, "join", "joined", R"("room":"lobby")");
  user.subscribe();
  ++present;
  while (present < users && !user.stopping()) co_await user.pause(20ms);
  // A late turn keeps its due time, which must not be from before the last one was there.
  co_await user.pause(std::chrono::milliseconds{1 + user.random()() % 1000});
  for (std::uint64_t id = 3; user.id() < speakers && id < 3 + messages && co_await user.turn(); ++id) {
    co_await ask(user, id, "say", "taken", R"("text":")" + user.publication() + '"');
  }
  while (user.state<Heard>().count < said && !user.stopping()) co_await user.pause(50ms);
  user.check("heard everything", user.state<Heard>().count == said);
}

std::uint64_t count_in(const std::map<std::string, std::uint64_t>& counts, std::string_view name) {
  const auto found = counts.find(std::string(name));
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

TEST_CASE("two hundred users of a Django Channels room: what is said reaches every one, and both sides count the same", "[interop]") {
  support::ChannelsServer server;
  std::atomic<std::uint64_t> present{0};
  Behaviour behaviour{[&](Session& user) { return guest(user, present); }, "guest"};
  const wsbench::Scenario scenario{
      .name = "chat",
      .clients = users,
      .duration = 30s,
      .pace = wsbench::think(500ms),
      .timeout = 10s,
      .behaviour = std::move(behaviour)
                       .correlate(wsbench::json_member("id"))
                       .on_message({"said",
                                    [](std::string_view message) { return wsbench::json_value(message, "op") == "said"; },
                                    {},
                                    [](Session& user, std::string_view) { ++user.state<Heard>().count; }}),
      .expect = {wsbench::metric::success_rate == 1.0, wsbench::metric::missing_deliveries == 0.0}};
  const Report report = support::run_within(60s, wsbench::LoadTest{server.url(), scenario, {.connect_rate = 100}});
  ChannelsCounts counts;
  // It may learn later than the users that they have gone.
  CHECK(support::eventually([&] { return count_in((counts = server.counts()).gone, "1000") == users; }, 10s));
  INFO(report);
  INFO(counts);
  support::require_sums(report, 2 * users + said);

  const std::map<std::string, std::string> answers{{"login", "welcome"}, {"join", "joined"}, {"say", "taken"}};
  for (const wsbench::LabelMetrics& entry : report.metrics().labels) {
    CAPTURE(entry.label);
    CHECK(entry.messages.sent == count_in(counts.heard, entry.label));
    CHECK(entry.messages.answered == count_in(counts.said, answers.at(entry.label)));
    CHECK(entry.messages.answered == (entry.label == "say" ? said : users));
  }
  REQUIRE(report.metrics().checks.size() == 4);
  for (const wsbench::CheckCount& check : report.metrics().checks) {
    CAPTURE(check.name);
    CHECK(check.passed == (check.name == "say" ? said : users));
    CHECK(check.failed == 0);
  }
  CHECK(count_in(counts.said, "refused") == 0);
  CHECK(count_in(counts.said, "said") == said * users);
  REQUIRE(report.metrics().pushes.size() == 1);
  CHECK(report.metrics().pushes.front().count == said * users);
  CHECK(report.metrics().received == 2 * users + said + said * users);
  CHECK(report.metrics().unclaimed == 0);

  const wsbench::FanOutMetrics& fan_out = report.metrics().fan_out;
  CHECK(fan_out.published == said);
  CHECK(fan_out.complete == said);
  CHECK(fan_out.expected == said * users);
  CHECK(fan_out.delivered == said * users);
  CHECK(fan_out.missing() == 0);
  CHECK(fan_out.duplicated == 0);
  CHECK(fan_out.out_of_order == 0);
  CHECK(fan_out.unexpected == 0);
  CHECK(fan_out.last.count() == said);
  CHECK(report.metrics().failures.total() == 0);
  support::check_passed(report);
}
