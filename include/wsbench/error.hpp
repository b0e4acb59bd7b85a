#pragma once

#include <stdexcept>
#include <string>

namespace wsbench {

/// A configuration that cannot be run, or text that cannot be read; `what()` is one line: the member, what is wrong, what to change.
class Error : public std::runtime_error {
 public:
  /// `member` is the name of the aggregate member or flag at fault ("clients"), `problem` the rest of the line.
  Error(std::string member, const std::string& problem) : std::runtime_error(member + ": " + problem), member_(std::move(member)) {}

  /// The member or flag at fault, without dashes.
  const std::string& member() const noexcept { return member_; }

  /// The line without the member's name.
  std::string problem() const { return std::string(what()).substr(member_.size() + 2); }

 private:
  std::string member_;
};

}  // namespace wsbench
