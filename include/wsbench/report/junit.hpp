#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/figures.hpp>
#include <wsbench/report/markup.hpp>
#include <wsbench/report/test_cases.hpp>
#include <wsbench/report/utc_text.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/version.hpp>

namespace wsbench {

namespace detail {

/// What the configuration and the environment were, as names and values.
inline std::vector<std::pair<std::string_view, std::string>> junit_properties(const Report& report) {
  const Configuration& load = report.record().configuration;
  const Environment& where = report.record().environment;
  std::vector<std::pair<std::string_view, std::string>> properties{{"verdict", std::string(name(report.verdict()))}};
  for (const std::string& url : load.urls) properties.emplace_back("url", url);
  for (const SubprotocolCount& chosen : report.metrics().connections.subprotocols) properties.emplace_back("subprotocol", chosen.name);
  if (!report.record().commit.empty()) properties.emplace_back("commit", report.record().commit);
  properties.emplace_back("clients", to_string(load.population));
  properties.emplace_back("pace", to_string(load.pace));
  properties.emplace_back("behaviour", load.behaviour);
  properties.emplace_back("seed", plain(load.seed));
  properties.emplace_back("system", where.system);
  properties.emplace_back("wsbench", std::string(version));
  return properties;
}

inline void add_junit_case(std::string& text, const TestCase& test, std::string_view suite, const std::string& seconds) {
  text += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"", suite, escaped_markup(test.name), seconds);
  if (test.outcome == Outcome::passed) {
    text += "/>\n";
    return;
  }
  const std::string_view element = test.outcome == Outcome::failed ? "failure" : "error";
  const std::string problem = escaped_markup(test.problem);
  text += fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\">{2}</{0}>\n    </testcase>\n", element, test.kind, problem);
}

}  // namespace detail

/// The report as JUnit's XML, as Ant writes and CI servers read it: a suite with a test case for the run and one for each expectation.
///
/// A missed expectation is a failure; a run that came to no result, because it is invalid or was interrupted, is an error.
inline std::string to_junit(const Report& report) {
  const RunRecord& record = report.record();
  const std::vector<detail::TestCase> cases = detail::test_cases(report);
  const auto count = [&](detail::Outcome outcome) {
    return std::count_if(cases.begin(), cases.end(), [&](const detail::TestCase& test) { return test.outcome == outcome; });
  };
  const auto or_else = [](const std::string& text, std::string_view none) {
    const bool blank = text.find_first_not_of(" \t\r\n") == text.npos;
    return blank ? std::string(none) : detail::escaped_markup(text);
  };
  const std::string suite = or_else(record.scenario, "wsbench");
  const std::string seconds = detail::plain(record.duration);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  text += fmt::format("  <testsuite id=\"0\" package=\"wsbench\" name=\"{}\" timestamp=\"{}\" hostname=\"{}\"", suite,
                      detail::utc_second(record.started_at), or_else(record.environment.host, "localhost"));
  text += fmt::format(" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">\n", cases.size(), count(detail::Outcome::failed),
                      count(detail::Outcome::error), seconds);
  text += "    <properties>\n";
  for (const auto& [name, value] : detail::junit_properties(report)) {
    text += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, detail::escaped_markup(value));
  }
  text += "    </properties>\n";
  // The time is the run's; that of judging an expectation is none.
  for (const detail::TestCase& test : cases) detail::add_junit_case(text, test, suite, &test == &cases.front() ? seconds : "0");
  text += fmt::format("    <system-out>{}</system-out>\n    <system-err/>\n", detail::escaped_markup(verdict_line(report)));
  return text += "  </testsuite>\n</testsuites>\n";
}

}  // namespace wsbench
