// Compressed messages and fragments as a shell asks for them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <wsbench/report/json_reader.hpp>
#include <wsbench/wsbench.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/command_line.hpp"

using namespace std::chrono_literals;
using support::ChildProcess;
using support::Outcome;
using wsbench::CompressionMetrics;
using wsbench::DeflateOptions;
using wsbench::Report;

namespace {

constexpr std::uint64_t clients = 2;
constexpr std::uint64_t bytes_asked = clients * 3 * 4096;

// `wsbench serve` with these flags, as long as it lives.
class Server {
 public:
  explicit Server(const std::vector<std::string>& flags) : process_(command(flags)) {
    const std::optional<std::string> line = process_.read_line(30s);
    REQUIRE(line.has_value());
    const std::size_t at = line->find("ws://");
    REQUIRE(at != std::string::npos);
    url_ = line->substr(at, line->find(' ', at) - at);
  }

  // A run of a few large messages with these flags; its report, and what it was asked.
  Report run(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {"run", url_, "-c", "2", "-n", "3", "--size", "4KiB", "--json", "-"});
    const Outcome outcome = support::run_command_line(flags);
    INFO(outcome.errors);
    REQUIRE(outcome.exit_code == 0);
    return wsbench::report_from_json(outcome.out);
  }

 private:
  static std::vector<std::string> command(const std::vector<std::string>& flags) {
    std::vector<std::string> words{WSBENCH_CLI, "serve", "--port", "0"};
    words.insert(words.end(), flags.begin(), flags.end());
    return words;
  }

  ChildProcess process_;
  std::string url_{};
};

}  // namespace

TEST_CASE("with --deflate a run compresses in both directions, as it is told to", "[cli][deflate]") {
  const Server server({"--deflate"});
  const Report usual = server.run({"--deflate"});
  CHECK(usual.record().configuration.deflate == DeflateOptions{});
  const CompressionMetrics& compression = usual.metrics().compression;
  CHECK(compression.connections == clients);
  CHECK(compression.bytes_sent == bytes_asked);
  CHECK(compression.bytes_received == bytes_asked);
  CHECK(usual.metrics().bytes_sent < bytes_asked / 4);
  CHECK(usual.metrics().bytes_received < bytes_asked / 4);

  const Report other = server.run({"--deflate", "--deflate-no-context-takeover", "--deflate-window-bits", "10", "--deflate-level", "1"});
  CHECK(other.record().configuration.deflate == DeflateOptions{.client_context_takeover = false,
                                                               .server_context_takeover = false,
                                                               .client_window_bits = 10,
                                                               .server_window_bits = 10,
                                                               .level = 1});
  CHECK(other.metrics().compression.connections == clients);
  CHECK(other.metrics().compression.bytes_sent_compressed > compression.bytes_sent_compressed);

  CHECK(server.run({}).metrics().compression == CompressionMetrics{});
}

TEST_CASE("a server without --deflate does not compress", "[cli][deflate]") {
  const Report report = Server({}).run({"--deflate"});
  CHECK(report.metrics().compression == CompressionMetrics{});
  CHECK(report.metrics().bytes_sent > bytes_asked);
}

TEST_CASE("with --fragment messages are cut at either end", "[cli][deflate]") {
  const Server whole({});
  const Server cutting({"--fragment", "64B"});
  const Report usual = whole.run({});
  const Report cut = whole.run({"--fragment", "64B"});
  CHECK(cut.record().configuration.fragment_size == 64);
  // A message of 4 KiB has 64 frames: 63 headers more of 6 bytes, less the 2 that a longer length takes.
  CHECK(cut.metrics().bytes_sent == usual.metrics().bytes_sent + clients * 3 * (63 * 6 - 2));
  const Report answered = cutting.run({});
  CHECK(answered.metrics().bytes_received == usual.metrics().bytes_received + clients * 3 * (63 * 2 - 2));
}

TEST_CASE("flags of a compression that nobody asked for, or that zlib does not have, are refused", "[cli][deflate]") {
  const std::vector<std::vector<std::string>> rows{{"--deflate-level", "3"},
                                                   {"--deflate-no-context-takeover"},
                                                   {"--deflate", "--deflate-level", "10"},
                                                   {"--deflate", "--deflate-window-bits", "7"},
                                                   {"--fragment", "1.5"}};
  for (std::vector<std::string> flags : rows) {
    const std::string flag = flags[flags.size() > 2 ? 1 : 0];
    CAPTURE(flag);
    flags.insert(flags.begin(), {"run", "ws://127.0.0.1:9", "-n", "1"});
    const Outcome outcome = support::run_command_line(flags);
    CHECK(outcome.exit_code == 104);
    CHECK(outcome.errors.find(flag) != std::string::npos);
    CHECK(outcome.errors.find('\n') == outcome.errors.size() - 1);
  }
}
