#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <wsbench/expectation.hpp>

namespace wsbench {

/// One figure that a probe reads.
struct ProbeFigure {
  std::string name{};       ///< as reports and expectations call it: "redis_mb", "server.rss"
  Unit unit{Unit::number};  ///< what it counts in: number, count, share or bytes

  bool operator==(const ProbeFigure&) const = default;
};

/// There is no figure yet: one of an interval has none at its first reading.
struct NoReadingYet {};

/// What came of reading one figure: its value, none yet, or why there is none.
using ProbeReading = std::variant<double, NoReadingYet, std::string>;

/// Reads the figures of one probe, for one run; on one thread, which is none of the workers'.
class ProbeReader {
 public:
  ProbeReader() = default;
  ProbeReader(const ProbeReader&) = delete;
  ProbeReader& operator=(const ProbeReader&) = delete;
  virtual ~ProbeReader() = default;

  /// One reading of each figure, in their order; what it throws is why all of them failed.
  ///
  /// Ends, if it can, within `timeout`, and soon after `stop` is true: nobody waits for it then.
  virtual std::vector<ProbeReading> read(std::chrono::nanoseconds timeout, const std::atomic<bool>& stop) = 0;
};

/// Something that is read again and again beside the load: what it reads, and how.
class Probe {
 public:
  /// Makes what reads it in one run.
  using Open = std::function<std::unique_ptr<ProbeReader>()>;

  Probe(std::vector<ProbeFigure> figures, Open open) : figures_(std::move(figures)), open_(std::move(open)) {}

  /// What it reads.
  const std::vector<ProbeFigure>& figures() const noexcept { return figures_; }
  /// What reads it, anew for each run.
  std::unique_ptr<ProbeReader> open() const { return open_(); }

 private:
  std::vector<ProbeFigure> figures_;
  Open open_;
};

namespace detail {

class CallableReader final : public ProbeReader {
 public:
  explicit CallableReader(std::function<double()> read) : read_(std::move(read)) {}

  std::vector<ProbeReading> read(std::chrono::nanoseconds, const std::atomic<bool>&) override { return {read_()}; }

 private:
  std::function<double()> read_;
};

}  // namespace detail

/// A probe that calls a function: `probe("queue", [&] { return double(queue.size()); })`; a function that throws is a reading that failed.
///
/// It is called on a thread of its own, beside the load. One that does not return cannot be ended: the run does not wait for it, and leaves
/// that thread behind, so what it uses must live until it returns.
inline Probe probe(std::string name, std::function<double()> read, Unit unit = Unit::number) {
  return Probe({{std::move(name), unit}}, [read = std::move(read)] { return std::make_unique<detail::CallableReader>(read); });
}

}  // namespace wsbench
