#pragma once

#include <wsbench/metrics.hpp>

namespace wsbench::detail {

/// The labels, checks, notes and pushes of the metrics, and nothing else of them, by the names that `rename` makes of theirs; entries
/// whose names become the same are one.
template <class Rename>
Metrics renamed_entries(const Metrics& metrics, Rename rename) {
  Metrics renamed;
  for (const LabelMetrics& entry : metrics.labels) renamed.entry_of(rename(entry.label)).messages.merge(entry.messages);
  for (const CheckCount& entry : metrics.checks) {
    CheckCount& check = renamed.check_of(rename(entry.name));
    check.passed += entry.passed;
    check.failed += entry.failed;
  }
  for (const NoteMetrics& entry : metrics.notes) renamed.note_of(rename(entry.label)).duration.merge(entry.duration);
  for (const PushMetrics& entry : metrics.pushes) {
    PushMetrics& push = renamed.push_of(rename(entry.label));
    push.count += entry.count;
    push.delivery_time.merge(entry.delivery_time);
  }
  return renamed;
}

}  // namespace wsbench::detail
