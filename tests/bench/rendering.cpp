// How much processor time each form of a day's report takes: 86,400 s of time series, 20 labels, latencies from 0.1 ms to tens of seconds.

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/hdr_log.hpp>
#include <wsbench/random.hpp>
#include <wsbench/report/csv.hpp>
#include <wsbench/report/html.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/json_reader.hpp>
#include <wsbench/report/junit.hpp>
#include <wsbench/report/markdown.hpp>
#include <wsbench/report/prometheus.hpp>
#include <wsbench/report/text.hpp>

namespace {

using namespace std::chrono_literals;

constexpr int day = 86'400;
constexpr std::size_t labels = 20;

wsbench::Report day_report() {
  wsbench::MetricsCollector collector;
  collector.at(0ns);
  std::array<wsbench::MetricsCollector::LabelId, labels> ids{};
  for (std::size_t label = 0; label < labels; ++label) ids.at(label) = collector.label(fmt::format("label {}", label));
  wsbench::Random random{1};
  std::lognormal_distribution<double> milliseconds{3, 1.5};  // the median is 20 ms
  for (int second = 0; second < day; ++second) {
    collector.at(second * 1s);
    if (second % 60 == 0) {
      collector.connection_attempted();
      collector.connection_opened({.resolve = 1ms, .tcp = 1ms, .upgrade = 2ms, .total = 4ms});
    }
    for (std::size_t label = 0; label < labels; ++label) {
      const auto response = std::chrono::nanoseconds{std::llround(milliseconds(random) * 1e6)};
      collector.sent(ids.at(label), 20us);
      collector.answered(ids.at(label), response, response - 20us);
      collector.received();
    }
    if (second % 1'000 == 0)
      collector.failure(wsbench::Failure::timeout, 0, second * 1s, [] { return std::string("client 1: no answer"); });
  }
  wsbench::RunRecord record;
  record.scenario = "a day";
  record.duration = day * 1s;
  record.metrics = collector.snapshot();
  record.configuration.pace = wsbench::rate(20);
  record.configuration.duration = day * 1s;
  return wsbench::Report(std::move(record), {wsbench::metric::latency.p95 < 1s});
}

template <class Render>
void measure(const char* form, Render render) {
  const std::clock_t start = std::clock();
  const std::string text = render();
  fmt::print("{:12} {:>5.0f} ms  {:>10} bytes\n", form, 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, text.size());
}

}  // namespace

int main() {
  const wsbench::Report report = day_report();
  measure("text", [&] { return wsbench::to_text(report); });
  measure("JSON", [&] { return wsbench::to_json_text(report); });
  measure("HTML", [&] { return wsbench::to_html(report); });
  measure("CSV", [&] { return wsbench::to_csv(report); });
  measure("CSV series", [&] { return wsbench::to_series_csv(report); });
  measure("JUnit", [&] { return wsbench::to_junit(report); });
  measure("Markdown", [&] { return wsbench::to_markdown(report); });
  measure("Prometheus", [&] { return wsbench::to_prometheus(report); });
  measure("HdrHistogram", [&] { return wsbench::to_hdr_log(report); });
  const std::string saved = wsbench::to_json_text(report);
  measure("JSON, read", [&] { return wsbench::report_from_json(saved).record().scenario; });
}
