// The engine, compiled once for a program of several files.
#define WSBENCH_ENGINE
#include <wsbench/wsbench.hpp>
