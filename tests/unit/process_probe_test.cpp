#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <wsbench/process_probe.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/listening_port.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using wsbench::ByName;
using wsbench::ByPid;
using wsbench::ListeningOn;
using wsbench::ProbeReading;
using wsbench::detail::parse_process_stat;
using wsbench::detail::ProcessFinder;
using wsbench::detail::ProcessId;
using wsbench::detail::ProcessStat;
using wsbench::detail::ProcessTree;
using wsbench::detail::ProcessUse;

namespace {

const auto start = std::chrono::steady_clock::time_point{} + 1h;

// A process as a list has it: with its parent and the ticks that it and the children that it waited for used.
ProcessStat process(int pid, int parent, std::uint64_t own = 0, std::uint64_t children = 0, std::uint64_t started = 0) {
  return {.id = {pid, started == 0 ? static_cast<std::uint64_t>(pid) : started},
          .parent = parent,
          .state = 'S',
          .name = "p" + std::to_string(pid),
          .own = own,
          .children = children,
          .threads = 1,
          .resident = 10};
}

// Cores used from one list of processes to the next, a second later.
std::optional<double> cores_between(const std::vector<ProcessStat>& before, const std::vector<ProcessStat>& after, const ProcessId& root) {
  ProcessTree tree;
  CHECK_FALSE(tree.look(before, {root}, 0, start).cpu.has_value());
  return tree.look(after, {root}, 0, start + 1s).cpu;
}

double ticks(std::uint64_t count) {
  return static_cast<double>(count) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string problem_of(ProcessFinder& finder, const std::vector<ProcessStat>& all) {
  try {
    finder.find(all);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

std::vector<ProbeReading> read(wsbench::ProbeReader& reader) {
  const std::atomic<bool> stop{false};
  return reader.read(5s, stop);
}

int pid_of(support::ChildProcess& process) {
  return std::stoi(process.read_line(10s).value());
}

}  // namespace

TEST_CASE("a line of /proc/PID/stat is read, whatever the process calls itself", "[process_probe][probe]") {
  const std::string rest = " S 17 1 1 0 -1 4194560 1 2 3 4 500 60 7 8 20 0 9 0 12345 1000000 250 18446744073709551615 1 1";
  for (const std::string name : {"sh", "a b", "a) (b", ")", ""}) {
    CAPTURE(name);
    const auto stat = parse_process_stat("1234 (" + name + ")" + rest);
    REQUIRE(stat.has_value());
    CHECK(stat->id == ProcessId{1234, 12345});
    CHECK(stat->name == name);
    CHECK(stat->parent == 17);
    CHECK(stat->own == 560);
    CHECK(stat->children == 15);
    CHECK(stat->threads == 9);
    CHECK(stat->resident == 250);
    CHECK_FALSE(stat->ended());
  }
  for (const char* line : {"", "1234", "1234 (sh", "1234 (sh) S 17", "x (sh) S", ")("}) {
    CAPTURE(line);
    CHECK_FALSE(parse_process_stat(line).has_value());
  }
}

TEST_CASE("a process is counted with all that descend from it, and nobody else", "[process_probe][probe]") {
  ProcessTree tree;
  const std::vector<ProcessStat> all{process(1, 0), process(20, 1), process(30, 20), process(40, 30), process(50, 1), process(60, 20)};
  CHECK(tree.look(all, {{20, 20}}, 0, start).threads == 4);
  CHECK(ProcessTree{}.look(all, {{20, 20}, {30, 30}}, 0, start).threads == 4);  // nobody twice
  CHECK(ProcessTree{}.look(all, {{20, 20}}, 30, start).threads == 2);           // who watches, and its own, are left out
  CHECK(ProcessTree{}.look(all, {{20, 20}}, 0, start).resident == 40 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  // Its parent has ended: it is init's child now, and still one of them.
  const std::vector<ProcessStat> orphaned{process(1, 0), process(20, 1), process(40, 1), process(50, 1), process(60, 20)};
  CHECK(tree.look(orphaned, {{20, 20}}, 0, start + 1s).threads == 3);
}

TEST_CASE("CPU is what all of them used since the last look", "[process_probe][probe]") {
  const ProcessId root{20, 20};
  CHECK(cores_between({process(20, 1, 1000), process(30, 20, 500)}, {process(20, 1, 1050), process(30, 20, 600)}, root) == ticks(150));
  // A child came, and used 70 ticks.
  CHECK(cores_between({process(20, 1, 1000)}, {process(20, 1, 1010), process(30, 20, 70)}, root) == ticks(80));
  // A child ended and was waited for: its 540 ticks went to its parent, 500 of them were counted already.
  CHECK(cores_between({process(20, 1, 1000), process(30, 20, 500)}, {process(20, 1, 1010, 540)}, root) == ticks(50));
  // One that nobody waited for takes its time with it.
  CHECK(cores_between({process(20, 1, 1000), process(30, 20, 500)}, {process(20, 1, 1010)}, root) == ticks(10));
  // Somebody older came to be one of them: what it used elsewhere is not theirs.
  CHECK(cores_between({process(20, 1, 1000), process(50, 1, 9'000, 0, 5)}, {process(20, 1, 1010), process(50, 20, 9'000, 0, 5)}, root) ==
        ticks(10));
}

TEST_CASE("a number that another process has got is not taken for the one that was watched", "[process_probe][probe]") {
  ProcessFinder finder(ByPid{20});
  CHECK(problem_of(finder, {process(1, 0)}) == "there is no process 20");
  CHECK(finder.find({process(20, 1, 0, 0, 100)}) == std::vector<ProcessId>{{20, 100}});
  CHECK(problem_of(finder, {process(1, 0)}) == "process 20 has ended");
  CHECK(problem_of(finder, {process(20, 1, 0, 0, 101)}) == "process 20 has ended, and another has its number");
  CHECK(finder.find({process(20, 1, 0, 0, 100)}) == std::vector<ProcessId>{{20, 100}});
}

TEST_CASE("a process is found by its name, anew when it was started again", "[process_probe][probe]") {
  ProcessFinder finder(ByName{"p20"});
  CHECK(finder.find({process(1, 0), process(20, 1)}) == std::vector<ProcessId>{{20, 20}});
  CHECK(finder.find({process(1, 0), process(20, 1, 0, 0, 77)}) == std::vector<ProcessId>{{20, 77}});
  CHECK(problem_of(finder, {process(1, 0)}) == "no process is called \"p20\"");
}

TEST_CASE("a process that computes shows its CPU, memory, files and threads, until it ends", "[process_probe][probe]") {
  // A shell, whose child it is that computes.
  support::ChildProcess shell({"sh", "-c", "sh -c 'while :; do :; done' & echo $$; wait"});
  const int pid = pid_of(shell);
  const wsbench::Probe probe = wsbench::process_probe("server", ByPid{pid});
  REQUIRE(probe.figures().size() == 4);
  CHECK(probe.figures()[0] == wsbench::ProbeFigure{"server.cpu", wsbench::Unit::share});
  CHECK(probe.figures()[1] == wsbench::ProbeFigure{"server.rss", wsbench::Unit::bytes});
  const auto reader = probe.open();
  std::vector<ProbeReading> readings = read(*reader);
  CHECK(std::holds_alternative<wsbench::NoReadingYet>(readings.at(0)));
  CHECK(std::get<double>(readings.at(1)) > 100'000);
  CHECK(std::get<double>(readings.at(1)) < 100e6);
  CHECK(std::get<double>(readings.at(2)) >= 6);
  CHECK(std::get<double>(readings.at(3)) == 2);
  // It gets a processor sooner or later, and never more than the one that it can use.
  CHECK(support::eventually([&] {
    readings = read(*reader);
    return std::get<double>(readings.at(0)) > 0;
  }));
  ::kill(pid, SIGKILL);
  CHECK(shell.wait(10s).has_value());
  CHECK_THROWS_WITH(read(*reader), "process " + std::to_string(pid) + " has ended");
}

TEST_CASE("one that has ended, but was not waited for, has ended", "[process_probe][probe]") {
  support::ChildProcess shell({"sh", "-c", "echo $$; read line"});
  const int pid = pid_of(shell);
  const auto reader = wsbench::process_probe("server", ByPid{pid}).open();
  CHECK_NOTHROW(read(*reader));
  shell.close_input();
  CHECK(support::eventually([&] {
    try {
      read(*reader);
      return false;
    } catch (const std::runtime_error& error) {
      return error.what() == "process " + std::to_string(pid) + " has ended";
    }
  }));
}

TEST_CASE("who listens on a port is found", "[process_probe][probe]") {
  asio::io_context io;
  const asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  const auto reader = wsbench::process_probe("self", ListeningOn{acceptor.local_endpoint().port()}).open();
  const std::vector<ProbeReading> readings = read(*reader);
  // It is this process, whose resident set is no other's.
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  const double ratio = std::get<double>(readings.at(1)) / (pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  CHECK(ratio > 0.8);
  CHECK(ratio < 1.2);
  const std::uint16_t port = support::free_port();
  CHECK_THROWS_WITH(read(*wsbench::process_probe("nobody", ListeningOn{port}).open()), "nothing listens on port " + std::to_string(port));
}

TEST_CASE("a script is found by its own name, which the kernel does not have", "[process_probe][probe]") {
  const support::TemporaryFolder folder;
  const std::string path = (folder.path() / "a-server-that-has-a-long-name").string();
  std::ofstream(path) << "echo $$; read line\n";
  support::ChildProcess script({"sh", path});
  const int pid = pid_of(script);
  ProcessFinder finder(ByName{"a-server-that-has-a-long-name"});
  const std::vector<ProcessId> found = finder.find(wsbench::detail::all_processes());
  REQUIRE(found.size() == 1);
  CHECK(found.front().pid == pid);
}
