# Finds what wsbench's headers include; read by the build and by whoever finds wsbench installed.

include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)

# Neither Asio nor websocketpp brings a target of its own.
function(wsbench_find_headers target header package)
  if(TARGET ${target})
    return()
  endif()
  string(MAKE_C_IDENTIFIER "${target}_INCLUDE_DIR" variable)
  find_path(${variable} ${header})
  if(NOT ${variable})
    message(FATAL_ERROR "wsbench needs <${header}>: install ${package}, or set ${variable} to the folder it is in")
  endif()
  mark_as_advanced(${variable})
  add_library(${target} INTERFACE IMPORTED)
  # SYSTEM: their warnings are not the embedder's.
  set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${${variable}}"
                                             INTERFACE_INCLUDE_DIRECTORIES "${${variable}}")
endfunction()

wsbench_find_headers(wsbench::asio asio.hpp libasio-dev)
wsbench_find_headers(wsbench::websocketpp websocketpp/processors/hybi13.hpp libwebsocketpp-dev)

# wsbench::json is asked for as a component: only <wsbench/report/json.hpp> and its reader need it.
if("json" IN_LIST wsbench_FIND_COMPONENTS)
  find_dependency(nlohmann_json)
  if(NOT TARGET wsbench::json)
    add_library(wsbench::json INTERFACE IMPORTED)
    set_target_properties(wsbench::json PROPERTIES INTERFACE_LINK_LIBRARIES "wsbench::wsbench;nlohmann_json::nlohmann_json")
  endif()
  set(wsbench_json_FOUND TRUE)
endif()

# wsbench::hdr_log likewise: only <wsbench/hdr_log.hpp> needs it.
if("hdr_log" IN_LIST wsbench_FIND_COMPONENTS)
  find_dependency(ZLIB)
  if(NOT TARGET wsbench::hdr_log)
    add_library(wsbench::hdr_log INTERFACE IMPORTED)
    set_target_properties(wsbench::hdr_log PROPERTIES INTERFACE_LINK_LIBRARIES "wsbench::wsbench;ZLIB::ZLIB")
  endif()
  set(wsbench_hdr_log_FOUND TRUE)
endif()

# wsbench::tls: only <wsbench/tls.hpp> needs it.
if("tls" IN_LIST wsbench_FIND_COMPONENTS)
  find_dependency(OpenSSL)
  if(NOT TARGET wsbench::tls)
    add_library(wsbench::tls INTERFACE IMPORTED)
    set_target_properties(wsbench::tls PROPERTIES INTERFACE_LINK_LIBRARIES "wsbench::wsbench;OpenSSL::SSL")
  endif()
  set(wsbench_tls_FOUND TRUE)
endif()

# wsbench::deflate: only <wsbench/deflate.hpp> needs it.
if("deflate" IN_LIST wsbench_FIND_COMPONENTS)
  find_dependency(ZLIB)
  if(NOT TARGET wsbench::deflate)
    add_library(wsbench::deflate INTERFACE IMPORTED)
    set_target_properties(wsbench::deflate PROPERTIES INTERFACE_LINK_LIBRARIES "wsbench::wsbench;ZLIB::ZLIB")
  endif()
  set(wsbench_deflate_FOUND TRUE)
endif()
