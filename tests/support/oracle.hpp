#pragma once

#include <algorithm>
#include <chrono>
#include <ostream>

#include <fmt/format.h>

#include <wsbench/report.hpp>

namespace support {

/// What is known of an open load whose server stopped once, and so what its percentiles have to be (rule 5 of measurement).
struct Oracle {
  using Seconds = std::chrono::duration<double>;

  double rate{0};      ///< messages a second
  Seconds length{0};   ///< of the load
  Seconds stop{0};     ///< how long the server stood still, wholly inside
  double capacity{0};  ///< messages a second that a raw client gets out of the same server

  /// Between what and what the percentile of a share lies; 1 is the maximum.
  struct Bounds {
    Seconds least{0};
    Seconds most{0};

    /// Whether it is at least, give or take what the rule allows, what the stop alone makes of it.
    bool reached_by(Seconds actual) const { return actual >= least - slack(least); }
    /// Whether it is no more than what the server needs to catch up makes of it.
    bool kept_by(Seconds actual) const { return actual <= most + slack(most); }

   private:
    static Seconds slack(Seconds figure) { return std::max<Seconds>(std::chrono::milliseconds{20}, figure * 0.02); }
  };

  Bounds bounds(double share) const {
    const Seconds none{0};
    return {std::max(none, stop - (1 - share) * length), std::max(none, stop - (1 - share) * length * (1 - rate / capacity))};
  }
};

/// The percentile of a share; 1 is the maximum.
inline Oracle::Seconds response_time(const wsbench::Report& report, double share) {
  return share == 1 ? report.latency().max() : report.latency().percentile(share);
}

inline std::ostream& operator<<(std::ostream& out, const Oracle& oracle) {
  return out << fmt::format("{:.0f}/s for {:.1f} s, the server stood still for {:.4f} s and can answer {:.0f}/s", oracle.rate,
                            oracle.length.count(), oracle.stop.count(), oracle.capacity);
}

}  // namespace support
