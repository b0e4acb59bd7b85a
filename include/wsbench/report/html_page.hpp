#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report/markup.hpp>
#include <wsbench/version.hpp>

namespace wsbench::detail {

// The page is whole without it: a mail client may strip it.
inline constexpr std::string_view html_style = R"(
:root { color-scheme: light dark; --back: #fff; --fore: #1b1f24; --faint: #57606a; --line: #d0d7de; --good: #1a7f37; --bad: #b3261e;
  --c0: #0b5cad; --c1: #b34700; --c2: #1a7f37; --c3: #8250df; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14181d; --fore: #e6edf3; --faint: #9aa5b1; --line: #3a434d; --good: #57ab5a; --bad: #ff8a80;
    --c0: #6cb6ff; --c1: #f69d50; --c2: #6bc46d; --c3: #dcbdfb; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--fore); font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { border-left: .4rem solid var(--bad); padding: .5rem .8rem; margin: 0 0 1rem; background: color-mix(in srgb, var(--line) 35%, transparent); }
.verdict.passed { border-color: var(--good); }
.verdict strong { font-size: 1.15rem; }
.passed strong, .met, .good { color: var(--good); }
.failed strong, .missed, .poor { color: var(--bad); }
.missed, .poor { font-weight: bold; }
.remark { color: var(--faint); font-size: .9rem; margin: .3rem 0; }
.long { display: block; max-height: 6em; overflow: auto; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { grid-column: 1; color: var(--faint); max-width: 16rem; }
dd { grid-column: 2; margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th { font-weight: normal; }
thead th { color: var(--faint); }
tbody th, th:first-child, .words { text-align: left; white-space: normal; min-width: 8rem; }
details { margin: .5rem 0; }
svg { display: block; max-width: 46rem; height: auto; margin: .5rem 0; }
.c0, .bar { color: var(--c0); }
.c1 { color: var(--c1); }
.c2 { color: var(--c2); }
.c3 { color: var(--c3); }
@media (max-width: 40rem) {
  svg g { font-size: 20px; }
  dl { display: block; }
  dd { margin: 0 0 .3rem 1rem; }
  th, td { padding: .2rem .4rem; }
}
@media print {
  :root { color-scheme: light; --back: #fff; --fore: #000; --faint: #333; --line: #999; --good: #000; --bad: #000; --c0: #000; --c1: #000; --c2: #000; --c3: #000; }
  main { max-width: none; padding: 0; }
  .wide, .long { overflow: visible; max-height: none; }
  svg, tr, dt, dd, .verdict { break-inside: avoid; }
  h2 { break-after: avoid; }
}
)";

/// Writes one HTML page: headings, lists of entries, tables, and what else is written into it.
class HtmlPage {
 public:
  HtmlPage() = default;
  HtmlPage(const HtmlPage&) = delete;
  HtmlPage& operator=(const HtmlPage&) = delete;

  /// Everything up to the first heading.
  void begin(std::string_view title) {
    write(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>{}</title>
<style>{}</style>
</head>
<body>
<main>
)",
          escaped_markup(title), html_style);
  }

  /// The page, which is then at its end.
  std::string end() {
    close();
    write("<p class=\"remark\">wsbench {}</p>\n</main>\n</body>\n</html>\n", version);
    return std::move(html_);
  }

  /// Markup as it is; text in it goes through `words()` or `escaped_markup()`.
  template <class... Arguments>
  void write(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(html_), format, std::forward<Arguments>(arguments)...);
  }

  /// Any text in the page; a very long one in a box that scrolls.
  static std::string words(std::string_view text) {
    constexpr std::size_t longest = 240;
    const std::string escaped = escaped_markup(text);
    return text.size() <= longest ? escaped : "<span class=\"long\" tabindex=\"0\">" + escaped + "</span>";
  }

  /// Ends the list or table that is open.
  void close() {
    if (open_ == Open::entries) html_ += "</dl>\n";
    if (open_ == Open::table) html_ += "</tbody>\n</table>\n</div>\n";
    open_ = Open::nothing;
  }

  /// A heading.
  void section(std::string_view title) {
    close();
    title_ = title;
    write("<h2>{}</h2>\n", escaped_markup(title));
  }

  /// A value and what it is of; without a name it goes on with the one before.
  void entry(std::string_view name, std::string_view value) {
    if (open_ != Open::entries) {
      close();
      html_ += "<dl>\n";
      open_ = Open::entries;
    }
    if (!name.empty()) write("<dt>{}</dt>\n", words(name));
    write("<dd>{}</dd>\n", words(value));
  }

  /// The columns of the rows that follow.
  void table_head(const std::vector<std::string>& columns) { begin_table("<td></td>", columns); }

  /// The same with what stands above the names of the rows; columns of words, not figures, come last.
  void begin_table(std::string_view corner, const std::vector<std::string>& columns, std::size_t of_words = 0) {
    close();
    write("<div class=\"wide\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n<thead>\n<tr>{}", escaped_markup(title_),
          corner);
    for (std::size_t index = 0; index < columns.size(); ++index) {
      const bool is_of_words = index + of_words >= columns.size();
      write("<th scope=\"col\"{}>{}</th>", is_of_words ? " class=\"words\"" : "", escaped_markup(columns[index]));
    }
    html_ += "</tr>\n</thead>\n<tbody>\n";
    open_ = Open::table;
  }

  void table_row(std::string_view name, const std::vector<std::string>& cells) {
    begin_row(name);
    for (const std::string& cell : cells) write("<td>{}</td>", escaped_markup(cell));
    html_ += "</tr>\n";
  }

  /// Begins a row of a table, whose cells are to be written.
  void begin_row(std::string_view name) {
    const bool blank = name.find_first_not_of(' ') == name.npos;
    write("<tr><th scope=\"row\">{}</th>", blank ? "(no label)" : words(name));
  }

  /// A picture.
  void draw(std::string_view svg) {
    close();
    html_ += svg;
  }

  /// Words about what stands before.
  void remark(std::string_view text) {
    close();
    write("<p class=\"remark\">{}</p>\n", words(text));
  }

 private:
  // What stands open in the page, and has to be closed before something else is written.
  enum class Open : std::uint8_t { nothing, entries, table };

  std::string html_{};
  std::string title_{};
  Open open_{Open::nothing};
};

}  // namespace wsbench::detail
