#pragma once

/// \file
/// How the engine is compiled: by default in every file that runs a load test, as is the way of a header-only library.
///
/// That takes a compiler some ten seconds a file. A program with several of them defines `WSBENCH_SEPARATE_COMPILATION` as 1 for all its
/// files, and `WSBENCH_ENGINE` in one more, which includes `wsbench/wsbench.hpp` and nothing else: the engine is then compiled there alone.

#ifndef WSBENCH_SEPARATE_COMPILATION
#define WSBENCH_SEPARATE_COMPILATION 0
#endif

#if !WSBENCH_SEPARATE_COMPILATION
#define WSBENCH_ENGINE_IS_HERE 1
#define WSBENCH_DEFINITION inline
#elif defined(WSBENCH_ENGINE)
#define WSBENCH_ENGINE_IS_HERE 1
#define WSBENCH_DEFINITION
#else
#define WSBENCH_ENGINE_IS_HERE 0
#endif

// Whether plain sockets are read through an epoll set of our own; 0 gives Asio's reads, as everywhere but on Linux.
#ifndef WSBENCH_EPOLL
#if defined(__linux__)
#define WSBENCH_EPOLL 1
#else
#define WSBENCH_EPOLL 0
#endif
#endif
