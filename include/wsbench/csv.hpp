#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/error.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// What copies of a `Csv` share; the views are into `text`.
struct CsvTable {
  // First, so that what threads read of each row is on the next cache line, and counting up leaves it alone.
  alignas(64) std::atomic<std::uint64_t> turns{0};
  std::string name{};                       ///< what errors call it
  std::string text{};                       ///< the file, in which doubled quotes have become single ones
  std::vector<std::string_view> columns{};  ///< their names
  std::vector<std::string_view> fields{};   ///< row by row

  std::size_t size() const noexcept { return fields.size() / columns.size(); }
};

/// Takes a CSV text apart, record by record (RFC 4180).
class CsvReader {
 public:
  CsvReader(std::string& text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xef\xbb\xbf")) next_ = 3;
  }

  bool at_end() const noexcept { return next_ == text_.size(); }

  /// The line that is read next, from 1.
  std::size_t line() const noexcept { return line_; }

  /// Adds the fields of the next record to `fields`.
  void take_record(std::vector<std::string_view>& fields) {
    if (text_[next_] == '\n' || text_.compare(next_, 2, "\r\n") == 0) refuse(line_, "an empty line: take it out");
    do fields.push_back(take_field());
    while (take_comma());
  }

  [[noreturn]] void refuse(std::size_t line, const std::string& problem) const { throw Error(fmt::format("{}:{}", name_, line), problem); }

 private:
  std::string_view take_field() {
    if (!at_end() && text_[next_] == '"') return take_quoted();
    const std::size_t begin = next_;
    next_ = std::min(text_.find_first_of(",\"\r\n", begin), text_.size());
    if (!at_end() && text_[next_] == '"') refuse(line_, "a quote inside a field: write the field in quotes, and twice each quote in it");
    return std::string_view{text_}.substr(begin, next_ - begin);
  }

  std::string_view take_quoted() {
    const std::size_t opened_in = line_;
    const std::size_t begin = ++next_;
    std::size_t end = begin;  // the field moves together where a doubled quote becomes a single one
    for (bool closed = false; !closed;) {
      const std::size_t quote = text_.find('"', next_);
      if (quote == text_.npos) refuse(opened_in, "a quote that is never closed");
      const auto from = text_.begin() + static_cast<std::ptrdiff_t>(next_);
      const auto to = text_.begin() + static_cast<std::ptrdiff_t>(quote);
      line_ += static_cast<std::size_t>(std::count(from, to, '\n'));
      if (end != next_) std::copy(from, to, text_.begin() + static_cast<std::ptrdiff_t>(end));
      end += quote - next_;
      next_ = quote + 1;
      closed = at_end() || text_[next_] != '"';
      if (!closed) text_[end++] = text_[next_++];
    }
    if (!at_end() && std::string_view{",\r\n"}.find(text_[next_]) == std::string_view::npos) {
      refuse(line_, "text after a closing quote: write twice each quote inside the field");
    }
    return std::string_view{text_}.substr(begin, end - begin);
  }

  // Whether another field follows; else the record's end is taken.
  bool take_comma() {
    if (at_end()) return false;
    if (text_[next_] == ',') {
      ++next_;
      return true;
    }
    if (text_[next_] == '\r') ++next_;
    if (at_end() || text_[next_] != '\n') refuse(line_, "a carriage return that ends no line: end lines with LF or CRLF");
    ++next_;
    ++line_;
    return false;
  }

  std::string& text_;
  const std::string& name_;
  std::size_t next_{0};
  std::size_t line_{1};
};

inline void read_csv_header(CsvReader& reader, std::vector<std::string_view>& columns) {
  reader.take_record(columns);
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (column->empty()) reader.refuse(1, fmt::format("column {} has no name", column - columns.begin() + 1));
    if (std::find(columns.begin(), column, *column) != column) {
      reader.refuse(1, fmt::format("two columns with the name {}", in_quotes(*column)));
    }
  }
}

inline std::shared_ptr<CsvTable> read_csv(std::string text, std::string name) {
  auto table = std::make_shared<CsvTable>();
  table->name = std::move(name);
  table->text = std::move(text);
  CsvReader reader{table->text, table->name};
  if (reader.at_end()) throw Error(table->name, "is empty: its first line names the columns");
  read_csv_header(reader, table->columns);
  const std::size_t width = table->columns.size();
  while (!reader.at_end()) {
    const std::size_t line = reader.line();
    const std::size_t before = table->fields.size();
    reader.take_record(table->fields);
    const std::size_t count = table->fields.size() - before;
    if (count != width) {
      reader.refuse(line, fmt::format("{} {} where the header has {}: write one for each column, in quotes where it has a comma in it",
                                      count, count == 1 ? "field" : "fields", width));
    }
  }
  if (table->fields.empty()) throw Error(table->name, "has no rows: its first line names the columns, the rows come after it");
  return table;
}

inline std::string read_whole_file(const std::string& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file{std::fopen(path.c_str(), "rb"), close};
  std::string text;
  if (file != nullptr) {
    constexpr std::size_t step = 1 << 16;
    std::size_t count = 0;
    do {
      text.resize(text.size() + step);
      count = std::fread(text.data() + text.size() - step, 1, step, file.get());
      text.resize(text.size() - step + count);
    } while (count == step);
  }
  if (file == nullptr || std::ferror(file.get()) != 0) throw Error(path, "cannot be read: " + std::generic_category().message(errno));
  return text;
}

}  // namespace detail

/// Rows of data for the users of a load test, by RFC 4180: the first record names the columns, each further one is a row.
///
/// Fields may stand in quotes, with commas, line ends and doubled quotes in them; lines end with LF or CRLF, the last one with or without;
/// a byte order mark is passed over. Copies are cheap, share the rows and the place of `next()`, and may be used by all threads at once.
class Csv {
 public:
  /// Whether `row_for()` may give a row to more than one session.
  enum class Reuse : std::uint8_t { no, yes };

  /// A row; valid as long as a copy of its `Csv`.
  class Row {
   public:
    /// The field in this column; throws Error, naming the columns there are, where it is none of them.
    std::string_view operator[](std::string_view column) const {
      const auto found = std::find(table_->columns.begin(), table_->columns.end(), column);
      if (found == table_->columns.end()) {
        std::string known;
        for (const std::string_view name : table_->columns) known += (known.empty() ? "" : ", ") + detail::in_one_line(name);
        throw Error(table_->name, fmt::format("has no column {}: it has {}", detail::in_quotes(column), known));
      }
      return table_->fields[number_ * table_->columns.size() + static_cast<std::size_t>(found - table_->columns.begin())];
    }
    /// Columns have names; without this, 0 would be one.
    std::string_view operator[](std::nullptr_t) const = delete;

    /// Which row it is, from 0.
    std::size_t number() const noexcept { return number_; }

   private:
    friend Csv;
    Row(const detail::CsvTable& table, std::size_t number) noexcept : table_(&table), number_(number) {}

    const detail::CsvTable* table_;
    std::size_t number_;
  };

  /// Reads a file; throws Error, naming the file and the line, where it cannot be read, has no rows, or is not what RFC 4180 says.
  ///
  /// Refused are rows with more or fewer fields than the header, columns without a name or with the same one, and empty lines: an empty
  /// field that is alone in its row is written "".
  static Csv from_file(const std::string& path) { return from_text(detail::read_whole_file(path), path); }

  /// The same from a text, which errors call `name`.
  static Csv from_text(std::string text, std::string name) { return Csv{detail::read_csv(std::move(text), std::move(name))}; }

  /// How many rows there are, at least one.
  std::size_t size() const noexcept { return table_->size(); }

  /// The names of the columns.
  const std::vector<std::string_view>& columns() const noexcept { return table_->columns; }

  /// A row for each session by its number: `users.row_for(user.id())`.
  ///
  /// Throws Error for a session that comes after the last row; with `Reuse::yes`, it begins again at the first.
  Row row_for(std::uint64_t session, Reuse reuse = Reuse::no) const {
    if (session >= size() && reuse == Reuse::no) {
      throw Error(table_->name, fmt::format("has no row for session {} (from 0), but {}: add rows, or allow Csv::Reuse::yes",
                                            format_count(session), format_count(size())));
    }
    return row(session);
  }

  /// The next row in order, over all copies and threads; after the last comes the first again.
  Row next() const noexcept { return row(table_->turns.fetch_add(1, std::memory_order_relaxed)); }

  /// A row at random, all being equally likely.
  template <class Random>
  requires std::uniform_random_bit_generator<std::remove_reference_t<Random>> Row any(Random&& random)
  const { return row(std::uniform_int_distribution<std::uint64_t>{0, size() - 1}(random)); }

 private:
  explicit Csv(std::shared_ptr<detail::CsvTable> table) noexcept : table_(std::move(table)) {}

  Row row(std::uint64_t number) const noexcept { return {*table_, static_cast<std::size_t>(number % size())}; }

  std::shared_ptr<detail::CsvTable> table_;
};

}  // namespace wsbench
