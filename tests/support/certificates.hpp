#pragma once

// Certificates for one test, made when it needs them: an authority of its own, and what that has signed.

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "scratch_file.hpp"

namespace support {

/// What a certificate says.
struct Subject {
  std::string name{"localhost"};
  std::string alternative_names{"DNS:localhost,IP:127.0.0.1"};  ///< as OpenSSL writes them
  long valid_from{-3600};                                       ///< seconds from now
  long valid_until{3600};
};

/// A key and its certificate.
class Certificate {
 public:
  /// Signed by itself.
  explicit Certificate(const Subject& subject) : Certificate(subject, nullptr) {}
  /// Signed by another.
  Certificate(const Subject& subject, const Certificate& issuer) : Certificate(subject, &issuer) {}

  const std::string& file() const { return file_.name(); }
  const std::string& key_file() const { return key_file_.name(); }

 private:
  template <auto Function>
  struct Free {
    template <class Object>
    void operator()(Object* object) const {
      Function(object);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
  using X509Pointer = std::unique_ptr<X509, Free<X509_free>>;

  Certificate(const Subject& subject, const Certificate* issuer) : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* const made = certificate_.get();
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_set_version(made, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made), subject.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(made), subject.valid_until);
    X509_set_pubkey(made, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(subject.name.c_str()), -1, -1, 0);
    X509* const signer = issuer == nullptr ? made : issuer->certificate_.get();
    X509_set_issuer_name(made, X509_get_subject_name(signer));
    extend(signer, NID_subject_alt_name, subject.alternative_names);
    if (issuer == nullptr) extend(signer, NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(made, issuer == nullptr ? key_.get() : issuer->key_.get(), EVP_sha256()) == 0) {
      throw std::runtime_error("a certificate cannot be signed");
    }
    write(file_.name(), [made](std::FILE* file) { return PEM_write_X509(file, made); });
    write(key_file_.name(),
          [this](std::FILE* file) { return PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }

  void extend(X509* signer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, certificate_.get(), nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
    if (extension == nullptr) throw std::runtime_error("no such extension of a certificate: " + value);
    X509_add_ext(certificate_.get(), extension.get(), -1);
  }

  template <class Write>
  static void write(const std::string& name, Write put) {
    std::FILE* const file = std::fopen(name.c_str(), "w");
    const bool written = file != nullptr && put(file) == 1;
    if (file != nullptr) std::fclose(file);
    if (!written) throw std::runtime_error("cannot write " + name);
  }

  ScratchFile file_{};
  ScratchFile key_file_{};
  Key key_;
  X509Pointer certificate_;
};

}  // namespace support
