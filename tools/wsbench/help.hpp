#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

namespace cli {

/// CLI11's help in 80 columns: what a flag takes beside it, its default behind its description.
class Help final : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string name = make_option_name(option, is_positional);
    // Comma and space, as every other tool writes it.
    if (const std::size_t comma = name.find(','); comma != name.npos) name.insert(comma + 1, " ");
    if (is_positional) name.clear();
    if (option->get_type_size() != 0 && !option->get_type_name().empty()) name += (name.empty() ? "" : " ") + option->get_type_name();
    const std::string& preset = option->get_default_str();
    return row(name, option->get_description() + (preset.empty() ? std::string() : " [" + preset + ']'));
  }
  std::string make_description(const CLI::App* command) const override { return wrapped({}, command->get_description(), 0); }
  std::string make_subcommand(const CLI::App* command) const override { return row(command->get_name(), command->get_description()); }

 private:
  static constexpr std::size_t left_width = 28;
  static constexpr std::size_t columns = 80;

  static std::string row(const std::string& left, const std::string& right) {
    std::string start = "  " + left;
    std::string above;
    if (start.size() + 2 > left_width) above = std::exchange(start, std::string()) + '\n';
    start.resize(left_width, ' ');
    return above + wrapped(std::move(start), right, left_width);
  }

  // The words behind `line`, with further lines that begin at `indent`.
  static std::string wrapped(std::string line, const std::string& right, std::size_t indent) {
    std::string text;
    std::istringstream words(right);
    bool first = true;
    for (std::string word; words >> word; first = false) {
      if (!first && line.size() + 1 + word.size() > columns) {
        text += line + '\n';
        line.assign(indent, ' ');
        first = true;
      }
      line += (first ? "" : " ") + word;
    }
    return text + line + '\n';
  }
};

}  // namespace cli
