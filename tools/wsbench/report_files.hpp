#pragma once

#include <array>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>

#include <wsbench/error.hpp>
#include <wsbench/hdr_log.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/csv.hpp>
#include <wsbench/report/html.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/report/junit.hpp>
#include <wsbench/report/markdown.hpp>
#include <wsbench/report/prometheus.hpp>
#include <wsbench/units.hpp>

namespace cli {

/// A form in which a report can be written, of a run or of something else.
template <class Reported>
struct Form {
  const char* flags{};        ///< what asks for it; the long one is last
  const char* description{};  ///< in the help
  std::string (*render)(const Reported&){};

  /// The long flag, as errors name it.
  std::string flag() const {
    const std::string names = flags;
    return names.substr(names.find("--"));
  }
};

/// Every form of a run's report that has a flag, in the order of the help.
inline constexpr auto report_forms = std::to_array<Form<wsbench::Report>>({
    {"-o,--json", "Write the report as JSON; - for stdout in place of the text", wsbench::to_json_text},
    {"--html", "Write it as one HTML page", wsbench::to_html},
    {"--junit", "Write it as JUnit's XML: the run, and each expectation", wsbench::to_junit},
    {"--markdown", "Write it as Markdown", wsbench::to_markdown},
    {"--csv", "Write its figures as CSV, one a row", wsbench::to_csv},
    {"--csv-series", "Write its time series as CSV, one slot a row", wsbench::to_series_csv},
    {"--prometheus", "Write its figures in Prometheus' text format", wsbench::to_prometheus},
    {"--hdr-log", "Write the durations as a log for HdrHistogram's tools", wsbench::to_hdr_log},
});

/// For each form what its flag was given: the name of a file, "-" for stdout in place of the text, nothing for no file.
template <const auto& forms>
using FileNames = std::array<std::string, forms.size()>;

using ReportFileNames = FileNames<report_forms>;

/// Adds the flags of all forms.
template <const auto& forms>
void add_files(CLI::App& app, FileNames<forms>& files) {
  for (std::size_t form = 0; form < forms.size(); ++form) {
    app.add_option(forms[form].flags, files[form], forms[form].description)->type_name("FILE")->group("Report");
  }
}

inline void add_report_files(CLI::App& app, ReportFileNames& files) {
  add_files<report_forms>(app, files);
}

/// The files that a report goes to: opened before the run, so that nobody waits for a report that cannot be kept.
template <const auto& forms>
class Files {
 public:
  /// Opens them; throws Error where one cannot be written, or two are to be stdout.
  explicit Files(const FileNames<forms>& names) : names_(names) {
    for (std::size_t form = 0; form < names_.size(); ++form) {
      const std::string& name = names_[form];
      const std::string flag = forms[form].flag();
      if (name == "-") {
        if (!stdout_flag_.empty()) throw wsbench::Error(flag, stdout_flag_ + " goes to stdout already: give one of them a file");
        stdout_flag_ = flag;
      } else if (!name.empty()) {
        files_[form].open(name, std::ios::binary);
        if (!files_[form])
          throw wsbench::Error(flag, "cannot write to " + wsbench::detail::in_quotes(name) + ": give a file in a folder that is there");
      }
    }
  }

  /// Whether stdout has one of them, and not the text.
  bool in_place_of_text() const noexcept { return !stdout_flag_.empty(); }

  /// Writes all of them; returns in a line which could not be, which keeps no other from being written.
  std::string write(const auto& report) {
    std::string problems;
    for (std::size_t form = 0; form < names_.size(); ++form) {
      if (names_[form].empty()) continue;
      std::ostream& out = names_[form] == "-" ? std::cout : files_[form];
      out << forms[form].render(report) << std::flush;
      if (out) continue;
      problems += (problems.empty() ? "" : "; ") + forms[form].flag() + ": writing to " + wsbench::detail::in_quotes(names_[form]) +
                  " failed: is the disk full?";
    }
    return problems;
  }

 private:
  FileNames<forms> names_{};
  std::array<std::ofstream, forms.size()> files_{};
  std::string stdout_flag_{};
};

using ReportFiles = Files<report_forms>;

}  // namespace cli
