#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <wsbench/error.hpp>
#include <wsbench/report.hpp>
#include <wsbench/report/json.hpp>
#include <wsbench/soak.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

namespace detail {

/// A value of a JSON document and the path to it, which every refusal names.
class JsonPlace {
 public:
  /// The top of a document, which must outlive all places in it.
  explicit JsonPlace(const Json& document) : value_(&document) {}

  const Json& value() const noexcept { return *value_; }
  const std::string& path() const noexcept { return path_; }

  [[noreturn]] void refuse(const std::string& problem) const { throw Error(path_.empty() ? "report" : path_, problem); }
  void require(bool sound, const std::string& problem) const {
    if (!sound) refuse(problem);
  }

  /// The value under a key; throws Error where there is none.
  JsonPlace operator[](const std::string& key) const {
    const std::optional<JsonPlace> found = find(key);
    if (!found) below(key).refuse("is missing: the file is damaged, or no report of wsbench");
    return *found;
  }
  /// The value under a key; nothing where there is none.
  std::optional<JsonPlace> find(const std::string& key) const {
    expect(value_->is_object(), "an object");
    const auto found = value_->find(key);
    if (found == value_->end()) return std::nullopt;
    return below(key, &*found);
  }
  /// The keys of an object, in their order.
  std::vector<std::string> keys() const {
    expect(value_->is_object(), "an object");
    std::vector<std::string> all;
    for (const auto& entry : value_->items()) all.push_back(entry.key());
    return all;
  }
  /// The elements of a list.
  std::vector<JsonPlace> elements() const {
    expect(value_->is_array(), "a list");
    std::vector<JsonPlace> all;
    all.reserve(value_->size());
    for (const Json& element : *value_) all.push_back({&element, path_ + '[' + std::to_string(all.size()) + ']'});
    return all;
  }

  void read(std::uint64_t& number) const {
    expect(value_->is_number_unsigned(), "a whole number from 0 to 18446744073709551615");
    number = value_->get<std::uint64_t>();
  }
  void read(std::int64_t& number) const { number = integer<std::int64_t>(0); }
  void read(int& number) const { number = integer<int>(std::numeric_limits<int>::min()); }
  void read(double& number) const {
    expect(value_->is_number(), "a number");
    number = value_->get<double>();
  }
  void read(bool& is_so) const {
    expect(value_->is_boolean(), "true or false");
    is_so = value_->get<bool>();
  }
  void read(std::string& text) const {
    expect(value_->is_string(), "a text");
    text = value_->get<std::string>();
  }
  void read(std::vector<std::string>& texts) const {
    for (const JsonPlace& element : elements()) element.read(texts.emplace_back());
  }
  void read(std::chrono::nanoseconds& time) const { time = std::chrono::nanoseconds{get<std::int64_t>()}; }
  void read(std::chrono::system_clock::time_point& time) const;
  void read(std::vector<Stage>& stages) const;
  void read(Pace& pace) const;
  void read(Population& population) const;
  void read(Histogram& histogram) const;

  /// The value as `Value`, throws Error where it is none.
  template <class Value>
  Value get() const {
    Value value{};
    read(value);
    return value;
  }
  /// The value, or what stands for null.
  template <class Value>
  Value get_or(Value unmeasured) const {
    return value_->is_null() ? unmeasured : get<Value>();
  }
  /// The enumerator of that name; `names` are in the order of the enum.
  template <class Enum>
  Enum get_name(std::span<const std::string_view> names) const {
    const auto found = std::find(names.begin(), names.end(), get<std::string>());
    require(found != names.end(), "is the unknown name " + shown());
    return static_cast<Enum>(found - names.begin());
  }

 private:
  JsonPlace(const Json* value, std::string path) : value_(value), path_(std::move(path)) {}

  JsonPlace below(const std::string& key, const Json* value = nullptr) const {
    const bool plain = !key.empty() && key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == key.npos;
    if (!plain) return {value, path_ + '[' + in_quotes(key) + ']'};
    return {value, path_.empty() ? key : path_ + '.' + key};
  }

  template <class Integer>
  Integer integer(std::int64_t least) const {
    constexpr Integer most = std::numeric_limits<Integer>::max();
    const bool fits = value_->is_number_unsigned() ? value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                                                   : value_->is_number_integer() && value_->get<std::int64_t>() >= least;
    if (!fits) expect(false, fmt::format("a whole number from {} to {}", least, most));
    return value_->get<Integer>();
  }

  // A large report has a million values: what is wrong is put into words only where it is.
  void expect(bool is_so, std::string_view what) const {
    if (!is_so) refuse(fmt::format("must be {}, and is {}", what, shown()));
  }

  std::string shown() const {
    if (value_->is_object()) return "an object";
    if (value_->is_array()) return "a list";
    return value_->is_string() ? in_quotes(value_->get_ref<const std::string&>()) : one_line(*value_);
  }

  const Json* value_;
  std::string path_{};
};

inline void JsonPlace::read(std::chrono::system_clock::time_point& time) const {
  using namespace std::chrono;
  constexpr std::string_view shape = "0000-00-00T00:00:00.000000000Z";
  const auto text = get<std::string>();
  const auto fits = [](char letter, char place) { return place == '0' ? letter >= '0' && letter <= '9' : letter == place; };
  expect(std::equal(text.begin(), text.end(), shape.begin(), shape.end(), fits), "a time such as 2026-11-24T08:18:21.123456789Z");
  const auto number = [&](std::size_t from, std::size_t digits) { return std::stoi(text.substr(from, digits)); };
  const year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))}, day{static_cast<unsigned>(number(8, 2))}};
  expect(date.ok() && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) < 60, "a time that there is");
  const auto second = sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} + std::chrono::seconds{number(17, 2)};
  expect(second > ceil<std::chrono::seconds>(system_clock::time_point::min()) &&
             second < floor<std::chrono::seconds>(system_clock::time_point::max()),
         "a time that the clock can tell");
  time = time_point_cast<system_clock::duration>(second + nanoseconds{number(20, 9)});
}

inline void JsonPlace::read(std::vector<Stage>& stages) const {
  for (const JsonPlace& element : elements()) {
    element["level"].read(stages.emplace_back().level);
    element["over_ns"].read(stages.back().over);
  }
}

inline void JsonPlace::read(Pace& pace) const {
  switch ((*this)["kind"].get_name<Pace::Kind>(pace_names)) {
    case Pace::Kind::think: pace = think((*this)["think_time_ns"].get<std::chrono::nanoseconds>()); break;
    case Pace::Kind::flat_out: pace = flat_out(); break;
    case Pace::Kind::rate:
      pace = rate((*this)["stages"].get<std::vector<Stage>>());
      if (pace.stages().empty()) pace = rate((*this)["per_second"].get<double>());
      if ((*this)["random"].get<bool>()) pace = std::move(pace).poisson();
      break;
  }
}

inline void JsonPlace::read(Population& population) const {
  switch ((*this)["kind"].get_name<Population::Kind>(population_names)) {
    case Population::Kind::number: population = Population((*this)["clients"].get<std::int64_t>()); break;
    case Population::Kind::stages: population = stages((*this)["stages"].get<std::vector<Stage>>()); break;
    case Population::Kind::arrivals: population = arrivals((*this)["arrivals_per_second"].get<double>()); break;
  }
}

/// The two halves of a sum in decimal digits.
inline Histogram::Sum read_sum(const JsonPlace& place) {
  constexpr uint128 most = ~uint128{0};
  const auto text = place.get<std::string>();
  uint128 sum = 0;
  for (const char letter : text) {
    place.require(letter >= '0' && letter <= '9', "must be a whole number as text, and is " + in_quotes(text));
    const auto digit = static_cast<unsigned>(letter - '0');
    place.require(sum <= (most - digit) / 10, "is too large");
    sum = sum * 10 + digit;
  }
  return {static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum)};
}

inline void JsonPlace::read(Histogram& histogram) const {
  Histogram::Content content;
  const JsonPlace list = (*this)["bins"];
  for (const JsonPlace& bin : list.elements()) {
    const std::vector<JsonPlace> pair = bin.elements();
    bin.require(pair.size() == 2, "must be a pair of a duration and a count");
    content.bins.push_back({pair[0].get<std::int64_t>(), pair[1].get<std::uint64_t>()});
  }
  content.sum = read_sum((*this)["sum_ns"]);
  content.min = (*this)["min_ns"].get_or(std::chrono::nanoseconds{0});
  content.max = (*this)["max_ns"].get_or(std::chrono::nanoseconds{0});
  content.negative = (*this)["negative"].get<std::uint64_t>();
  try {
    histogram = Histogram::restore(content);
  } catch (const Error& error) {
    refuse(error.problem());
  }
}

/// Reads each field it is called with from the object.
inline auto from(const JsonPlace& object) {
  return [object](const char* key, auto& member) { object[key].read(member); };
}

/// Parses text in which no object has a key twice.
inline Json parse_json(std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  const auto watch = [&](int, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key && !open_objects.back().insert(parsed.get<std::string>()).second) {
      throw Error("report", "has the key " + in_quotes(parsed.get_ref<const std::string&>()) + " twice in one object");
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::parse_error& error) {
    const std::size_t place = std::min(error.byte, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place), '\n');
    throw Error("report", "is not JSON at line " + std::to_string(line) + ": the file is damaged or cut short");
  } catch (const Json::exception&) {
    throw Error("report", "holds a number that is too large for any figure: the file is damaged");
  }
}

inline void require_schema(const JsonPlace& report) {
  const JsonPlace place = report["schema_version"];
  const auto schema = place.get<std::uint64_t>();
  place.require(schema <= json_schema_version,
                fmt::format("was written by a newer version: it is {}, and this wsbench reads {}: update it", schema, json_schema_version));
  place.require(schema == json_schema_version, fmt::format("must be {}, and is {}", json_schema_version, schema));
}

/// How many durations were recorded; negative ones are no samples.
inline uint128 recorded(const Histogram& histogram) {
  return uint128{histogram.count()} + histogram.negative();
}

inline ConnectionMetrics read_connections(const JsonPlace& place, const JsonPlace& histograms) {
  ConnectionMetrics connections;
  connection_counts(connections, from(place));
  uint128 chosen = 0;
  for (const JsonPlace& element : place["subprotocols"].elements()) {
    subprotocol_fields(connections.subprotocols.emplace_back(), from(element));
    chosen += connections.subprotocols.back().count;
  }
  place["subprotocols"].require(chosen <= uint128{connections.succeeded} + connections.reconnected, "are more than connections");
  histograms["connect_time"].read(connections.connect_time);
  connection_phases(connections, from(histograms));
  place.require(uint128{connections.succeeded} + connections.failed <= connections.attempted, "more succeeded and failed than attempted");
  place.require(uint128{connections.reconnected} + connections.reconnects_failed <= connections.reconnects_attempted,
                "more are reconnected and reconnects_failed than reconnects_attempted");
  place.require(connections.open <= connections.peak_open, "more are open than peak_open");
  place.require(connections.peak_open <= uint128{connections.succeeded} + connections.reconnected, "peak_open is more than were opened");
  histograms["connect_time"].require(recorded(connections.connect_time) == connections.succeeded,
                                     "must have as many samples as connections.succeeded says");
  connection_phases(connections, [&](const char* key, const Histogram& phase) {
    histograms[key].require(recorded(phase) <= connections.succeeded, "has more samples than connections.succeeded says");
  });
  // Runs of older versions do not have it.
  if (const auto open_time = histograms.find("open_time")) {
    open_time->read(connections.open_time);
    open_time->require(recorded(connections.open_time) + connections.open <= uint128{connections.succeeded} + connections.reconnected,
                       "has more samples than connections have ended");
  }
  return connections;
}

inline MessageMetrics read_messages(const JsonPlace& place, const JsonPlace& histograms) {
  MessageMetrics messages;
  message_counts(messages, from(place));
  message_histograms(messages, from(histograms));
  place.require(uint128{messages.one_way} + messages.answered + messages.failed <= messages.sent,
                "in_flight is negative: more are one_way, answered and failed than sent");
  message_histograms(messages, [&](const char* key, const Histogram& histogram) {
    const bool of_failed = &histogram == &messages.failed_time;
    histograms[key].require(recorded(histogram) == (of_failed ? messages.failed : messages.answered),
                            "must have as many samples as " + place.path() + (of_failed ? ".failed says" : ".answered says"));
  });
  return messages;
}

inline std::vector<LabelMetrics> read_labels(const JsonPlace& place, const JsonPlace& histograms) {
  std::vector<LabelMetrics> labels;
  for (const std::string& label : place.keys()) labels.push_back({label, read_messages(place[label], histograms[label])});
  histograms.require(histograms.keys().size() == labels.size(), "has a label that " + place.path() + " does not have");
  return labels;
}

inline FailureTally read_errors(const JsonPlace& place) {
  FailureTally failures;
  std::set<std::pair<Failure, int>> seen;
  uint128 total = 0;
  for (const JsonPlace& element : place.elements()) {
    FailureCount entry{.failure = element["failure"].get_name<Failure>(failure_names),
                       .code = element["code"].get_or(0),
                       .count = element["count"].get<std::uint64_t>(),
                       .first_at = element["first_at_ns"].get<std::chrono::nanoseconds>(),
                       .sample = element["sample"].get<std::string>()};
    element["count"].require(entry.count > 0, "must be at least 1");
    element.require(seen.emplace(entry.failure, entry.code).second, "repeats an earlier failure and code");
    total += entry.count;
    failures.restore(std::move(entry));
  }
  place.require(total <= largest_unsigned, "has more failures than 64 bits can count");
  return failures;
}

inline std::vector<CheckCount> read_checks(const JsonPlace& place) {
  std::vector<CheckCount> checks;
  std::set<std::string> seen;
  for (const JsonPlace& element : place.elements()) {
    CheckCount& check = checks.emplace_back();
    check_fields(check, from(element));
    element["name"].require(seen.insert(check.name).second, "is the name of an earlier check");
    element.require(uint128{check.passed} + check.failed <= largest_unsigned, "has more outcomes than 64 bits can count");
  }
  return checks;
}

inline PingMetrics read_pings(const JsonPlace& place, const JsonPlace& round_trip) {
  PingMetrics pings;
  ping_counts(pings, from(place));
  round_trip.read(pings.round_trip);
  place.require(uint128{pings.answered} + pings.failed <= pings.sent, "more are answered and failed than sent");
  round_trip.require(recorded(pings.round_trip) == pings.answered, "must have as many samples as " + place.path() + ".answered says");
  return pings;
}

inline std::vector<PushMetrics> read_pushes(const JsonPlace& place, const JsonPlace& histograms) {
  std::vector<PushMetrics> pushes;
  for (const std::string& label : place.keys()) {
    PushMetrics& push = pushes.emplace_back();
    push.label = label;
    place[label]["count"].read(push.count);
    histograms[label].read(push.delivery_time);
    histograms[label].require(recorded(push.delivery_time) <= push.count, "has more samples than " + place.path() + " says");
  }
  histograms.require(histograms.keys().size() == pushes.size(), "has a label that " + place.path() + " does not have");
  return pushes;
}

inline std::vector<NoteMetrics> read_notes(const JsonPlace& place, const JsonPlace& histograms) {
  std::vector<NoteMetrics> notes;
  for (const std::string& label : place.keys()) {
    notes.push_back({label, {}});
    histograms[label].read(notes.back().duration);
  }
  histograms.require(histograms.keys().size() == notes.size(), "has a label that " + place.path() + " does not have");
  return notes;
}

inline FanOutMetrics read_fan_out(const JsonPlace& place, const JsonPlace& histograms) {
  FanOutMetrics fan_out;
  fan_out_counts(fan_out, from(place));
  fan_out_histograms(fan_out, from(histograms));
  place.require(fan_out.complete <= fan_out.published, "more are complete than published");
  place.require(fan_out.delivered <= fan_out.expected, "missing is negative: more are delivered than expected");
  histograms["delivery"].require(recorded(fan_out.delivery) == fan_out.delivered,
                                 "must have as many samples as " + place.path() + ".delivered says");
  fan_out_histograms(fan_out, [&](const char* key, const Histogram& histogram) {
    if (&histogram == &fan_out.delivery) return;
    histograms[key].require(recorded(histogram) <= fan_out.published, "has more samples than " + place.path() + ".published says");
  });
  return fan_out;
}

inline SlotTimes read_slot_times(const JsonPlace& bins, const JsonPlace& max) {
  std::vector<SlotTimes::Bin> filled;
  for (const JsonPlace& element : bins.elements()) {
    const std::vector<JsonPlace> pair = element.elements();
    element.require(pair.size() == 2, "must be a pair of a duration and a count");
    const auto count = pair[1].get<std::uint64_t>();
    pair[1].require(count <= std::numeric_limits<std::uint32_t>::max(), "is more than a counter of the time series can count");
    filled.push_back({pair[0].get<std::int64_t>(), static_cast<std::uint32_t>(count)});
  }
  try {
    return SlotTimes::restore(filled, max.get_or(std::chrono::nanoseconds{0}));
  } catch (const Error& error) {
    bins.refuse(error.problem());
  }
}

inline TimeSeries read_time_series(const JsonPlace& place) {
  const std::vector<JsonPlace> bins = place["response_time_bins"].elements();
  std::vector<TimeSlot> slots(bins.size());
  const auto entries_of = [&](const JsonPlace& list) {
    std::vector<JsonPlace> entries = list.elements();
    list.require(entries.size() == slots.size(), "must have as many entries as response_time_bins");
    return entries;
  };
  const std::vector<JsonPlace> max = entries_of(place["response_time_max_ns"]);
  for (std::size_t index = 0; index < slots.size(); ++index) slots[index].response_time = read_slot_times(bins[index], max[index]);
  for (const auto& [key, count] : slot_counts) {
    const std::vector<JsonPlace> counts = entries_of(place[key]);
    for (std::size_t index = 0; index < slots.size(); ++index) counts[index].read(slots[index].*count);
  }
  const JsonPlace errors = place["errors"];
  for (const std::string& key : errors.keys()) {
    const auto kind = std::find(failure_names.begin(), failure_names.end(), key);
    errors[key].require(kind != failure_names.end(), "is no failure that is known");
    const std::vector<JsonPlace> counts = entries_of(errors[key]);
    for (std::size_t index = 0; index < slots.size(); ++index) {
      counts[index].read(slots[index].failures[static_cast<std::size_t>(kind - failure_names.begin())]);
    }
  }
  try {
    return TimeSeries::restore(place["width_ns"].get<std::chrono::nanoseconds>(), std::move(slots));
  } catch (const Error& error) {
    place.refuse(error.problem());
  }
}

/// Counts that reports did not have before there was compression.
inline CompressionMetrics read_compression(const JsonPlace& report, const ConnectionMetrics& connections) {
  CompressionMetrics compression;
  if (const auto place = report.find("compression")) {
    compression_counts(compression, from(*place));
    place->require(compression.connections <= uint128{connections.succeeded} + connections.reconnected, "is on more than were opened");
  }
  return compression;
}

inline Configuration read_configuration(const JsonPlace& place) {
  Configuration configuration;
  configuration_fields(configuration, from(place));
  if (const auto size = place.find("fragment_size_bytes")) size->read(configuration.fragment_size);
  const auto deflate = place.find("deflate");
  if (!deflate || deflate->value().is_null()) return configuration;
  deflate_fields(configuration.deflate.emplace(), from(*deflate));
  deflate_fields(*configuration.deflate, [&](std::string_view key, int number) {
    const bool window = key.ends_with("window_bits");
    const bool known = key.ends_with("takeover") || (number >= (window ? 8 : 1) && number <= (window ? 15 : 9));
    (*deflate)[std::string(key)].require(known, "is none that zlib knows");
  });
  return configuration;
}

inline Metrics read_metrics(const JsonPlace& report) {
  const JsonPlace messages = report["messages"];
  const JsonPlace histograms = report["histograms"];
  Metrics metrics;
  metrics.connections = read_connections(report["connections"], histograms);
  metrics.labels = read_labels(messages["labels"], histograms["labels"]);
  messages["not_sent"].read(metrics.not_sent);
  traffic_counts(metrics, from(messages));
  metrics.compression = read_compression(report, metrics.connections);
  metrics.failures = read_errors(report["errors"]);
  metrics.checks = read_checks(report["checks"]);
  metrics.pings = read_pings(report["pings"], histograms["ping"]);
  metrics.pushes = read_pushes(report["pushes"], histograms["pushes"]);
  metrics.notes = read_notes(report["notes"], histograms["notes"]);
  metrics.fan_out = read_fan_out(report["fan_out"], histograms["fan_out"]);
  lag_histograms(metrics, from(histograms));
  metrics.series = read_time_series(report["time_series"]);
  messages.require(metrics.overrun <= metrics.not_sent, "more are overrun than not sent");
  uint128 planned = metrics.not_sent;
  for (const LabelMetrics& entry : metrics.labels) planned += entry.messages.sent;
  messages.require(planned <= largest_unsigned, "more are planned than 64 bits can count");
  messages.require(uint128{metrics.late} + metrics.duplicated + metrics.unclaimed <= metrics.received,
                   "more are late, duplicated and unclaimed than received");
  return metrics;
}

inline std::vector<ExpectationResult> read_expectations(const JsonPlace& place) {
  std::vector<ExpectationResult> expectations;
  for (const JsonPlace& element : place.elements()) {
    ExpectationResult& expectation = expectations.emplace_back();
    element["text"].read(expectation.text);
    expectation.unit = element["unit"].get_name<Unit>(unit_names);
    if (!element["actual"].value().is_null()) expectation.actual = element["actual"].get<double>();
    element["met"].read(expectation.met);
    element["met"].require(expectation.actual || !expectation.met, "cannot be true without an actual figure");
  }
  return expectations;
}

inline ProbeSeries read_probe_series(const JsonPlace& probe) {
  const JsonPlace lists = probe["series"];
  std::vector<ProbeSlot> slots(lists["samples"].elements().size());
  probe_slot_fields(ProbeSlot{}, [&](const char* key, auto) {
    lists[key].require(lists[key].elements().size() == slots.size(), "must have as many entries as samples");
  });
  std::map<std::string, std::vector<JsonPlace>> entries;
  probe_slot_fields(ProbeSlot{}, [&](const char* key, auto) { entries[key] = lists[key].elements(); });
  for (std::size_t index = 0; index < slots.size(); ++index) {
    probe_slot_fields(slots[index], [&](const char* key, auto& figure) { entries[key][index].read(figure); });
  }
  std::optional<ProbeFailure> first;
  if (const JsonPlace failure = probe["first_failure"]; !failure.value().is_null()) {
    first = {failure["at_ns"].get<std::chrono::nanoseconds>(), failure["reason"].get<std::string>()};
  }
  try {
    return ProbeSeries::restore(lists["width_ns"].get<std::chrono::nanoseconds>(), std::move(slots), probe["failed"].get<std::uint64_t>(),
                                std::move(first));
  } catch (const Error& error) {
    probe.refuse(error.problem());
  }
}

/// What reports did not have before there were probes.
inline std::vector<ProbeRecord> read_probes(const JsonPlace& report) {
  std::vector<ProbeRecord> probes;
  const std::optional<JsonPlace> list = report.find("probes");
  if (!list) return probes;
  for (const JsonPlace& element : list->elements()) {
    ProbeRecord& probe = probes.emplace_back();
    element["name"].read(probe.name);
    probe.unit = element["unit"].get_name<Unit>(unit_names);
    probe.source = element["source"].get_or(std::string{});
    probe.series = read_probe_series(element);
  }
  return probes;
}

inline RunRecord read_record(const JsonPlace& report) {
  RunRecord record;
  report["scenario"].read(record.scenario);
  // Reports had none of what is only looked for at first.
  if (const auto commit = report.find("commit")) record.commit = commit->get_or(std::string{});
  report["started_at"].read(record.started_at);
  report["duration_ns"].read(record.duration);
  report["interrupted"].read(record.interrupted);
  if (const auto cause = report.find("ended_early_by")) record.ended_early_by = cause->get_or(std::string{});
  if (const auto soak = report.find("soak"); soak && !soak->value().is_null()) {
    soak->require(soak->value().is_object(), "is no object");
    record.soak = true;
  }
  record.metrics = read_metrics(report);
  stamp_counts(record.metrics, from(report["generator"]));
  for (const std::string& name : report["parts"].keys()) record.parts.push_back({name, read_metrics(report["parts"][name])});
  for (const std::string& url : report["targets"].keys()) record.targets.push_back({url, read_metrics(report["targets"][url])});
  record.warm_up = read_messages(report["warm_up"], report["histograms"]["warm_up"]);
  report["warm_up"]["not_sent"].read(record.warm_up_not_sent);
  record.probes = read_probes(report);
  record.expectations = read_expectations(report["expectations"]);
  const JsonPlace generator = report["generator"];
  record.generator = {.cpu_time = generator["cpu_ns"].get_or(std::chrono::nanoseconds{0}),
                      .max_rss_kib = generator["max_rss_kib"].get_or(std::uint64_t{0}),
                      .busy = generator["busy"].value().is_null() ? std::nullopt : std::optional{generator["busy"].get<double>()},
                      .overloaded = generator["overloaded"].get<double>(),
                      .kernel_stamps = generator["kernel_stamps"].get<bool>()};
  record.configuration = read_configuration(report["configuration"]);
  environment_fields(record.environment, from(report["environment"]));
  return record;
}

/// Requires that whatever the text has agrees with what was restored from it; keys that are not there, or not known, say nothing.
inline void require_agreement(const Json& restored, const JsonPlace& place) {
  const Json& found = place.value();
  bool agrees = true;
  if (restored.is_null()) return;
  if (restored.is_object() && found.is_object()) {
    for (const auto& entry : restored.items()) {
      if (const auto below = place.find(entry.key())) require_agreement(entry.value(), *below);
    }
  } else if (restored.is_array() && found.is_array() && restored.size() == found.size() && !restored.empty() &&
             restored.front().is_object()) {
    const std::vector<JsonPlace> elements = place.elements();
    for (std::size_t index = 0; index < elements.size(); ++index) require_agreement(restored[index], elements[index]);
  } else if (restored.is_number_float() && found.is_number()) {
    // A later version may take another value from the same bin of a histogram, which is 0.1 % wide.
    const auto figure = restored.get<double>();
    agrees = std::abs(found.get<double>() - figure) <= 0.002 * std::abs(figure);
  } else {
    agrees = restored == found;
  }
  place.require(agrees, "contradicts the figures it must follow from: the file is damaged");
}

}  // namespace detail

/// Reads what `to_json_text()` wrote and returns an equal report; throws Error, naming the key, for anything else.
///
/// The report is restored from counts, keys in nanoseconds and histograms; all other figures are not needed, but if they are there
/// they must agree. The verdict and the validity are judged anew. Keys that are not known are passed over: a newer version may have added
/// them.
inline Report report_from_json(std::string_view text) {
  const detail::Json document = detail::parse_json(text);
  const detail::JsonPlace place{document};
  detail::require_schema(place);
  Report report{detail::read_record(place)};
  detail::Json restored = to_json(report);
  // Judgements, which another version may make otherwise; and a label that a coarser clock cannot tell exactly.
  for (const char* key : {"tool", "verdict", "valid", "invalid_because", "started_at", "soak"}) restored.erase(key);
  detail::require_agreement(restored, place);
  return report.record().soak ? as_soak(report) : report;
}

}  // namespace wsbench
