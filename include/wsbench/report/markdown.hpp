#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report.hpp>
#include <wsbench/report/clean_text.hpp>
#include <wsbench/report/probe_figures.hpp>
#include <wsbench/report/verdict_line.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// Any text as one line of Markdown (GitHub's) that shows it as it is, in a table too; what is longer than 200 bytes is cut.
inline std::string markdown_line(std::string_view text) {
  constexpr std::size_t limit = 200;
  std::string clean = clean_text(text);
  if (clean.size() > limit) {
    std::size_t end = limit;
    while ((static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80U) --end;
    clean.resize(end);
    clean += "...";
  }
  std::string line;
  for (const char letter : clean) {
    if (letter == '\n' || letter == '\t') {
      line += ' ';
      continue;
    }
    // As references, which no extension of Markdown takes for its own: mentions, mathematics, strike-through.
    if (std::string_view("\\`*_[]<>&|~#$@").find(letter) == std::string_view::npos) {
      line += letter;
    } else {
      line += fmt::format("&#{};", static_cast<int>(letter));
    }
  }
  return line;
}

/// Writes a report as Markdown.
class MarkdownReport {
 public:
  explicit MarkdownReport(const Report& report) : report_(report) {}

  std::string text() {
    const Configuration& load = report_.record().configuration;
    std::string title = verdict_line(report_);
    text_ = fmt::format("## {}: {}\n\n", markdown_line(report_.record().scenario), title.substr(0, title.find(':')));
    text_ += fmt::format("{}\n", whole_line(title));
    if (!(load == Configuration{})) {
      text_ += fmt::format("\n{}, {}, {}\n\n", markdown_line(to_string(load.population)), markdown_line(to_string(load.pace)),
                           markdown_line(load.behaviour));
      for (const std::string& url : load.urls) text_ += fmt::format("- {}\n", markdown_line(url));
    }
    expectations();
    figures();
    durations();
    parts("Part", report_.record().parts);
    parts("Target", report_.record().targets);
    subprotocols();
    probes();
    checks();
    errors();
    origin();
    return text_;
  }

 private:
  void row(const std::vector<std::string>& cells) {
    text_ += '|';
    for (const std::string& cell : cells) text_.append(" ").append(cell).append(" |");
    text_ += '\n';
  }
  // The first column is of names, the others are of numbers.
  void head(const std::vector<std::string>& titles) {
    text_ += '\n';
    row(titles);
    text_ += "|---|";
    for (std::size_t column = 1; column < titles.size(); ++column) text_ += "--:|";
    text_ += '\n';
  }

  // A verdict may list many expectations: each is cut as it must be, the line is not.
  static std::string whole_line(std::string_view text) {
    std::string line;
    constexpr std::size_t piece = 150;
    while (!text.empty()) {
      std::size_t end = std::min(piece, text.size());
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
      line += markdown_line(text.substr(0, end));
      text.remove_prefix(end);
    }
    return line;
  }

  void expectations() {
    if (report_.expectations().empty()) return;
    head({"Expectation", "It is", ""});
    for (const ExpectationResult& expectation : report_.expectations()) {
      row({markdown_line(expectation.text), format_figure(expectation.actual, expectation.unit), expectation.met ? "met" : "**MISSED**"});
    }
  }

  void figures() {
    const ConnectionMetrics& connections = report_.metrics().connections;
    const MessageMetrics& messages = report_.messages();
    head({"", "attempted", "succeeded", "failed", "opened again", "success rate"});
    row({"connections", format_count(connections.attempted), format_count(connections.succeeded), format_count(connections.failed),
         format_count(connections.reconnected), format_figure(report_.connection_success_rate(), Unit::share)});
    head({"", "sent", "answered", "failed", "not sent", "a second", "success rate"});
    row({"messages", format_count(messages.sent), format_count(messages.answered), format_count(messages.failed),
         format_count(report_.metrics().not_sent), format_figure(report_.sent_per_second(), Unit::per_second),
         format_figure(report_.success_rate(), Unit::share)});
  }

  std::string cell(const Histogram& histogram, Statistic statistic) {
    const auto value = statistic_of(histogram, statistic);
    if (!value) return "n/a";
    const std::optional<double> share = share_of(statistic);
    const bool few = share && histogram.evidence(*share) == Evidence::few;
    few_samples_ = few_samples_ || few;
    return format_duration(*value) + (few ? "&#42;" : "");
  }
  void duration_row(const std::string& name, const Histogram& histogram) {
    if (histogram.count() == 0) return;
    std::vector<std::string> cells{name, format_count(histogram.count())};
    for (const Statistic statistic : {Statistic::mean, Statistic::p50, Statistic::p95, Statistic::p99, Statistic::max}) {
      cells.push_back(cell(histogram, statistic));
    }
    row(cells);
  }

  void durations() {
    const Metrics& metrics = report_.metrics();
    const std::size_t before = text_.size();
    head({"", "samples", "average", "median", "p95", "p99", "max"});
    const std::size_t without_rows = text_.size();
    duration_row("connect time", metrics.connections.connect_time);
    duration_row("latency", report_.messages().response_time);
    if (metrics.labels.size() > 1) {
      for (const LabelMetrics& label : metrics.labels) {
        duration_row("latency of " + (label.label.empty() ? "messages without a label" : markdown_line(label.label)),
                     label.messages.response_time);
      }
    }
    duration_row("service time", report_.messages().service_time);
    duration_row("failed after", report_.messages().failed_time);
    duration_row("ping", metrics.pings.round_trip);
    for (const PushMetrics& push : metrics.pushes) duration_row("delivery of " + markdown_line(push.label), push.delivery_time);
    for (const NoteMetrics& note : metrics.notes) duration_row("noted: " + markdown_line(note.label), note.duration);
    duration_row("first had a publication", metrics.fan_out.first);
    duration_row("last had a publication", metrics.fan_out.last);
    duration_row("each delivery", metrics.fan_out.delivery);
    if (text_.size() == without_rows) text_.resize(before);
    if (few_samples_) text_ += "\n&#42; few samples: fewer than ten lie beyond it; n/a: none does\n";
  }

  void parts(const std::string& title, const std::vector<PartRecord>& parts) {
    if (parts.empty()) return;
    head({title, "clients", "sent", "answered", "failed", "median", "p95", "max", "errors"});
    for (const PartRecord& part : parts) {
      const MessageMetrics all = part.metrics.messages();
      row({markdown_line(part.name), format_count(part.metrics.connections.succeeded), format_count(all.sent), format_count(all.answered),
           format_count(all.failed), cell(all.response_time, Statistic::p50), cell(all.response_time, Statistic::p95),
           cell(all.response_time, Statistic::max), format_count(part.metrics.failures.total())});
    }
  }

  void subprotocols() {
    if (report_.metrics().connections.subprotocols.empty()) return;
    head({"Subprotocol", "connections"});
    for (const SubprotocolCount& chosen : report_.metrics().connections.subprotocols) {
      row({markdown_line(chosen.name), format_count(chosen.count)});
    }
  }

  void probes() {
    if (report_.probes().empty()) return;
    std::vector<std::string> titles{"Probe"};
    for (const ProbeColumn& column : probe_columns) titles.emplace_back(column.title);
    titles.emplace_back("failed");
    head(titles);
    for (const ProbeRecord& probe : report_.probes()) {
      std::vector<std::string> cells{markdown_line(probe_label(probe))};
      for (const ProbeColumn& column : probe_columns) cells.push_back(probe_cell(column.of(probe.series), probe.unit));
      cells.push_back(format_count(probe.series.failures()));
      row(cells);
    }
    for (const FailedProbes& failed : failed_probes(report_.probes())) {
      text_ += fmt::format("\n{}: {}\n", markdown_line(failed.names), markdown_line(failed.what));
    }
  }

  void checks() {
    if (report_.metrics().checks.empty()) return;
    head({"Check", "passed", "failed"});
    for (const CheckCount& check : report_.metrics().checks) {
      row({markdown_line(check.name), format_count(check.passed), format_count(check.failed)});
    }
  }

  void errors() {
    const std::vector<FailureCount> failures = report_.metrics().failures.by_count();
    if (failures.empty()) return;
    text_ += "\n| Error | count | first after | the first of them |\n|---|--:|--:|---|\n";
    for (const FailureCount& failure : failures) {
      row({markdown_line(label(failure)), format_count(failure.count), format_duration(failure.first_at), markdown_line(failure.sample)});
    }
  }

  void origin() {
    const Environment& where = report_.record().environment;
    if (where == Environment{}) return;
    const std::string& commit = report_.record().commit;
    text_ += fmt::format("\n{}, {}, {} {}, wsbench {}{}\n", markdown_line(where.host), markdown_line(where.system), where.cores,
                         where.cores == 1 ? "core" : "cores", markdown_line(where.wsbench_version),
                         commit.empty() ? std::string() : ", commit " + markdown_line(commit));
  }

  const Report& report_;
  std::string text_{};
  bool few_samples_{false};
};

}  // namespace detail

/// The report as Markdown, as GitHub shows it: verdict, expectations, the main figures, errors. Names are cut at 200 bytes.
inline std::string to_markdown(const Report& report) {
  return detail::MarkdownReport{report}.text();
}

}  // namespace wsbench
