#pragma once

/// \file
/// The one place of the version; CMake reads these three lines.

#define WSBENCH_VERSION_MAJOR 0
#define WSBENCH_VERSION_MINOR 1
#define WSBENCH_VERSION_PATCH 0

#define WSBENCH_STRINGIFY_2(x) #x
#define WSBENCH_STRINGIFY(x) WSBENCH_STRINGIFY_2(x)

namespace wsbench {

/// The version as "major.minor.patch".
inline constexpr const char* version =
    WSBENCH_STRINGIFY(WSBENCH_VERSION_MAJOR) "." WSBENCH_STRINGIFY(WSBENCH_VERSION_MINOR) "." WSBENCH_STRINGIFY(WSBENCH_VERSION_PATCH);

}  // namespace wsbench

#undef WSBENCH_STRINGIFY
#undef WSBENCH_STRINGIFY_2
