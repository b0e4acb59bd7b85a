#pragma once

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

#include "support/certificates.hpp"
#include "support/child_process.hpp"
#include "support/listening_port.hpp"
#include "support/temporary_folder.hpp"

namespace support {

/// Debian's nginx in front of a WebSocket server: TLS on this side of it, none on the other.
class TlsProxy {
 public:
  /// Listens when it returns; throws if it cannot be started.
  TlsProxy(std::uint16_t server_port, const Certificate& certificate)
      : port_(free_port()), process_({"nginx", "-p", folder_.path().string(), "-c", configured(server_port, certificate), "-e", "stderr"}) {
    if (!listens_soon(port_)) throw std::runtime_error("nginx does not listen");
  }

  std::string url() const { return "wss://localhost:" + std::to_string(port_); }

 private:
  std::string configured(std::uint16_t server_port, const Certificate& certificate) const {
    const std::string file = (folder_.path() / "nginx.conf").string();
    std::ofstream(file) << "daemon off;\n"
                           "master_process off;\n"
                           "pid nginx.pid;\n"
                           "worker_rlimit_nofile 4096;\n"
                           "events { worker_connections 2048; }\n"
                           "http {\n"
                           "  access_log off;\n"
                           "  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;\n"
                           "  scgi_temp_path scgi;\n"
                           "  server {\n"
                           "    listen 127.0.0.1:"
                        << port_ << " ssl backlog=1024;\n    ssl_certificate " << certificate.file() << ";\n    ssl_certificate_key "
                        << certificate.key_file()
                        << ";\n    location / {\n"
                           "      proxy_pass http://127.0.0.1:"
                        << server_port
                        << ";\n"
                           "      proxy_http_version 1.1;\n"
                           "      proxy_set_header Upgrade $http_upgrade;\n"
                           "      proxy_set_header Connection \"upgrade\";\n"
                           "      proxy_set_header Host $host;\n"
                           "    }\n"
                           "  }\n"
                           "}\n";
    return file;
  }

  TemporaryFolder folder_{};
  std::uint16_t port_;
  ChildProcess process_;
};

}  // namespace support
