#pragma once

/// \file
/// Load tests in Catch2, v2 or v3: `REQUIRE_THAT(report, wsbench::passes())`. Not in the umbrella, and one program includes either this or
/// `wsbench/gtest.hpp`.
///
/// With it, Catch2 prints a report with a line above it that says why it did not pass: include it in every file of a program in which
/// Catch2 prints reports.

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
#include <catch2/catch_tostring.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

#include <wsbench/report.hpp>
#include <wsbench/report/text.hpp>
#include <wsbench/report/verdict_line.hpp>

namespace Catch {

template <>
struct StringMaker<wsbench::Report> {
  static std::string convert(const wsbench::Report& report) { return wsbench::verdict_line(report) + "\n\n" + wsbench::to_text(report); }
};

}  // namespace Catch

namespace wsbench {

namespace detail::catch2 {

// The base class is in the one namespace of v2 and in the other of v3.
using namespace Catch;
using namespace Catch::Matchers;

class Passes : public MatcherBase<Report> {
 public:
  bool match(const Report& report) const override { return report.passed(); }
  std::string describe() const override { return "is to pass"; }
};

}  // namespace detail::catch2

/// Matches a report that is valid and met every expectation; the failure's message is the report, under a line that says why.
inline detail::catch2::Passes passes() {
  return {};
}

}  // namespace wsbench
