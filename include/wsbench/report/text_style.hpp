#pragma once

namespace wsbench {

/// What text for people may be written with, beside ASCII; nothing of it says anything alone.
struct TextStyle {
  bool unicode{false};  ///< block characters, and names as they are (UTF-8); else what is not ASCII is escaped
  bool colour{false};   ///< a terminal's colours (ECMA-48's SGR)
};

}  // namespace wsbench
