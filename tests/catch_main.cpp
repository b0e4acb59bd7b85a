// main() and, where Catch2 is but a header, all of Catch2: compiled once for every test program.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#endif
#include "catch.hpp"
