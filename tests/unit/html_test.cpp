#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/report/html.hpp>

#include "catch.hpp"
#include "support/full_report.hpp"
#include "support/golden.hpp"
#include "support/judged_reports.hpp"
#include "support/trying_reports.hpp"

using namespace std::chrono_literals;
using wsbench::Report;
using wsbench::RunRecord;
using wsbench::to_html;

namespace {

struct Tag {
  std::string name{};
  std::vector<std::pair<std::string, std::string>> attributes{};

  bool has(std::string_view attribute) const {
    return std::any_of(attributes.begin(), attributes.end(), [&](const auto& each) { return each.first == attribute; });
  }
};

std::string taken(std::string_view& text, std::string_view letters) {
  const std::size_t end = std::min(text.find_first_not_of(letters), text.size());
  const std::string front(text.substr(0, end));
  text.remove_prefix(end);
  return front;
}

void demand(bool holds, std::string_view what, std::string_view where = {}) {
  if (!holds) throw std::runtime_error(std::string(what) + ": " + std::string(where.substr(0, 200)));
}

// The elements of a page; demands what XML does: each is closed, in its order, and every attribute has its quotes.
std::vector<Tag> tags_of(std::string_view page) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  std::vector<Tag> tags;
  std::vector<std::string> open;
  demand(page.starts_with("<!DOCTYPE html>\n"), "the page is no HTML", page);
  for (std::size_t at = page.find('<', 1); at != page.npos; at = page.find('<', at + 1)) {
    const std::string_view whole = page.substr(at + 1, page.find('>', at) - at - 1);
    std::string_view rest = whole;
    demand(at + rest.size() + 1 < page.size(), "a tag without an end", whole);
    if (rest.front() == '/') {
      demand(!open.empty() && open.back() == rest.substr(1), "an end of what is not open", whole);
      open.pop_back();
      continue;
    }
    Tag& tag = tags.emplace_back(Tag{taken(rest, letters), {}});
    demand(!tag.name.empty(), "an element without a name", whole);
    while (rest.starts_with(' ')) {
      rest.remove_prefix(1);
      const std::string name = taken(rest, letters);
      demand(rest.starts_with("=\""), "an attribute without quotes", whole);
      const std::size_t end = rest.find('"', 2);
      demand(end != rest.npos, "an attribute without an end", whole);
      demand(!tag.has(name), "an attribute that stands twice", whole);
      tag.attributes.emplace_back(name, rest.substr(2, end - 2));
      rest.remove_prefix(end + 1);
    }
    if (rest == "/") continue;
    demand(rest.empty(), "more in a tag than attributes", whole);
    open.push_back(tag.name);
  }
  demand(open.empty(), "an element that is not closed", open.empty() ? std::string() : open.back());
  return tags;
}

// A well-formed page without a script, with nothing from elsewhere, and no picture of numbers that are none.
void require_sound(std::string_view page) {
  const std::set<std::string_view> passive{"html", "head", "meta",    "title",   "style", "body", "main",  "h1",    "h2",    "p",
                                           "div",  "span", "strong",  "dl",      "dt",    "dd",   "table", "thead", "tbody", "tr",
                                           "th",   "td",   "details", "summary", "svg",   "desc", "g",     "path",  "rect",  "text"};
  for (const Tag& tag : tags_of(page)) {
    demand(passive.contains(tag.name), "an element that does something", tag.name);
    for (const auto& [name, value] : tag.attributes) {
      demand(!name.starts_with("on"), "an attribute that is a script", name);
      for (const std::string_view loading : {"src", "href", "style", "srcset", "data", "background"})
        demand(name != loading, "an attribute that loads", name);
      const bool drawn = tag.name == "path" || tag.name == "rect" || tag.name == "svg";
      demand(!drawn || (value.find("nan") == value.npos && value.find("inf") == value.npos), "a number that is none", value);
    }
  }
  const std::string_view style = page.substr(0, page.find("</style>"));
  for (const std::string_view loading : {"url(", "@import"}) demand(style.find(loading) == style.npos, "a style that loads", loading);
  SUCCEED();
}

const std::string& full_page() {
  static const std::string page = to_html(support::full_report());
  return page;
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

}  // namespace

TEST_CASE("golden: HTML", "[html]") {
  const std::string& page = full_page();
  support::require_golden("report.html", page);
  require_sound(page);
}

TEST_CASE("the page begins with the verdict and why, and has what was expected next", "[html]") {
  const std::vector<std::pair<Report, std::string>> judged{
      {support::passed_report(), "<strong>PASSED</strong> every expectation was met</div>"},
      {support::failed_report(), "<strong>FAILED</strong> missed latency.mean &lt; 5ms (it is 10.0 ms), check{welcomed} &gt; 99% (n/a"},
      {support::unanswered_report(), "<strong>FAILED</strong> answers were expected and none came</div>"},
      {support::invalid_report(), "<strong>INVALID</strong> the behaviour threw 1 time"},
      {support::interrupted_report(), "<strong>INTERRUPTED</strong> the run was stopped before its end</div>"},
      {support::unconnected_report(), "<strong>NO CONNECTION</strong> nothing could connect: refused: client 0: nobody listens there"}};
  for (const auto& [report, verdict] : judged) {
    const std::string page = to_html(report);
    INFO(page);
    CHECK(count_of(page, verdict) == 1);
    CHECK(page.find(verdict) < page.find("<h2>"));
    require_sound(page);
    const bool expects = !report.expectations().empty();
    CHECK(count_of(page, "<h2>Expectations</h2>") == (expects ? 1 : 0));
    if (expects) CHECK(page.find("<h2>Expectations</h2>") < page.find("<h2>Summary</h2>"));
  }
}

TEST_CASE("every table of the page says what its rows and columns are", "[html]") {
  const std::string& page = full_page();
  CHECK(count_of(page, "<table>") > 10);
  for (const Tag& tag : tags_of(page)) {
    if (tag.name == "th") CHECK(tag.has("scope"));
  }
  CHECK(count_of(page, "<tr>") == count_of(page, "<tr><th scope=\"") + count_of(page, "<tr><td></td><th scope=\"col\""));
}

TEST_CASE("every picture of the page has a title and a description", "[html]") {
  const std::string& page = full_page();
  CHECK(count_of(page, "<svg ") == 3);
  const std::vector<Tag> tags = tags_of(page);
  for (std::size_t index = 0; index < tags.size(); ++index) {
    if (tags[index].name != "svg") continue;
    CHECK(tags[index].attributes.front() == std::pair<std::string, std::string>("role", "img"));
    CHECK(tags.at(index + 1).name == "title");
    CHECK(tags.at(index + 2).name == "desc");
  }
  CHECK(count_of(page, "<title></title>") + count_of(page, "<desc></desc>") == 0);
}

TEST_CASE("whatever bytes names are, the page stays a page", "[html]") {
  for (const std::string& name : support::hostile_names()) {
    const std::string page = to_html(support::report_named(name));
    require_sound(page);
    CHECK(wsbench::detail::is_utf8(page));
  }
}

TEST_CASE("a record filled by hand with next to nothing is a page", "[html]") {
  for (RunRecord record : {RunRecord{}, support::small_record(1)}) {
    const std::string page = to_html(Report(record));
    require_sound(page);
    CHECK(count_of(page, "<svg ") == 0);
    // A time series that reaches beyond the duration the record has, or a warm-up longer than it.
    record.metrics.series.answered(500s, 2ms);
    record.configuration.warm_up = 1h;
    record.duration = 0s;
    const std::string longer = to_html(Report(record));
    require_sound(longer);
    CHECK(count_of(longer, "<svg ") == 1);
  }
}

TEST_CASE("the page of a day is under a megabyte, and shows an outage of a minute", "[html]") {
  const std::string page = to_html(support::report_of_a_day());
  CHECK(page.size() < 1'000'000);
  INFO(page.size() << " bytes");
  CHECK(page.size() < 100'000);
  require_sound(page);
  CHECK(page.find(">errors</text>") != page.npos);
  CHECK(page.find("Errors in each 32s") != page.npos);
  std::size_t bars = 0;
  for (const Tag& tag : tags_of(page)) {
    if (tag.name != "path") continue;
    const std::string& strokes = tag.attributes.back().second;
    CHECK(count_of(strokes, " ") <= 600);
    if (strokes.find('V') != strokes.npos) bars += count_of(strokes, "M");
  }
  CHECK(bars >= 1);
  CHECK(bars <= 3);
  const std::string_view table = std::string_view(page).substr(page.find("<details>"), page.find("</details>") - page.find("<details>"));
  CHECK(count_of(table, "<tr>") <= 25);
  CHECK(count_of(table, ">60</td></tr>") == 1);  // all of the outage's errors in one row
}
