#pragma once

#include <exception>
#include <optional>
#include <string>

#include <wsbench/archive.hpp>
#include <wsbench/report.hpp>

namespace cli {

/// Where the run goes beside its report; seen to before the run, so that nobody waits for one that cannot be kept.
class Keeping {
 public:
  /// `folder` is what --archive was given: empty is nowhere.
  explicit Keeping(const std::string& folder) {
    if (folder.empty()) return;
    archive_.emplace(folder);
    archive_->prepare();
  }

  /// Returns why it could not, if so: the report is still to be printed.
  std::string keep(const wsbench::Report& report) const {
    try {
      if (archive_) archive_->keep(report);
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }

 private:
  std::optional<wsbench::Archive> archive_{};
};

}  // namespace cli
