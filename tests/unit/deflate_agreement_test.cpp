#include <string>
#include <vector>

#include <wsbench/net/deflate_agreement.hpp>

#include "catch.hpp"

using wsbench::DeflateOptions;
using wsbench::detail::answer_deflate_offer;
using wsbench::detail::deflate_offer;
using wsbench::detail::DeflateAgreement;
using wsbench::detail::take_deflate_answer;

namespace {

const DeflateOptions standard{};
const DeflateOptions no_takeover{.client_context_takeover = false, .server_context_takeover = false};
const DeflateOptions small{.client_window_bits = 10, .server_window_bits = 11};

}  // namespace

TEST_CASE("what a client wants stands in its offer", "[deflate]") {
  CHECK(deflate_offer(standard) == "permessage-deflate; client_max_window_bits");
  CHECK(deflate_offer(no_takeover) == "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits");
  CHECK(deflate_offer(small) == "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11");
}

TEST_CASE("an answer within the offer is an agreement", "[deflate]") {
  struct Row {
    DeflateOptions offered;
    std::string answer;
    DeflateAgreement agreement;
  };
  const std::vector<Row> rows{
      {standard, "permessage-deflate", {}},
      {standard, " permessage-deflate ; client_no_context_takeover", {.client_context_takeover = false}},
      {standard, "permessage-deflate;server_no_context_takeover", {.server_context_takeover = false}},
      {standard, "permessage-deflate; client_max_window_bits=8", {.client_window_bits = 8}},
      {standard, "permessage-deflate; client_max_window_bits=\"15\"", {.client_window_bits = 15}},
      {standard, "permessage-deflate; server_max_window_bits=9", {.server_window_bits = 9}},
      {no_takeover, "permessage-deflate; server_no_context_takeover", {.client_context_takeover = false, .server_context_takeover = false}},
      {small, "permessage-deflate; server_max_window_bits=11", {.client_window_bits = 10, .server_window_bits = 11}},
      {small, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9", {.client_window_bits = 9, .server_window_bits = 8}},
  };
  for (const Row& row : rows) {
    INFO(row.answer);
    DeflateAgreement agreement;
    CHECK(take_deflate_answer(row.offered, row.answer, agreement).empty());
    CHECK(agreement == row.agreement);
  }
}

TEST_CASE("an answer beyond the offer, or beside RFC 7692, is told with what is wrong", "[deflate]") {
  struct Row {
    DeflateOptions offered;
    std::string answer;
    std::string problem;
  };
  const std::vector<Row> rows{
      {standard, "permessage-deflate;", "is no list of extensions"},
      {standard, "permessage-deflate; server_max_window_bits=", "is no list of extensions"},
      {standard, "x-webkit-deflate-frame", "was not offered"},
      {standard, "Permessage-Deflate", "was not offered"},
      {standard, "permessage-deflate, permessage-bzip2", "was not offered"},
      {standard, "permessage-deflate, permessage-deflate", "is there twice"},
      {standard, "permessage-deflate; mode=fast", "has the unknown parameter \"mode\""},
      {standard, "permessage-deflate; Server_No_Context_Takeover", "has the unknown parameter \"Server_No_Context_Takeover\""},
      {standard, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "has \"server_no_context_takeover\" twice"},
      {standard, "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", "has \"client_max_window_bits\" twice"},
      {standard, "permessage-deflate; server_no_context_takeover=1", "gives \"server_no_context_takeover\" a value"},
      {standard, "permessage-deflate; client_no_context_takeover=\"true\"", "gives \"client_no_context_takeover\" a value"},
      {standard, "permessage-deflate; client_max_window_bits", "gives \"client_max_window_bits\" no value"},
      {standard, "permessage-deflate; server_max_window_bits", "gives \"server_max_window_bits\" no value"},
      {standard, "permessage-deflate; server_max_window_bits=7", "gives \"server_max_window_bits\" the value \"7\" and not 8 to 15"},
      {standard, "permessage-deflate; server_max_window_bits=16", "gives \"server_max_window_bits\" the value \"16\" and not 8 to 15"},
      {standard, "permessage-deflate; server_max_window_bits=09", "gives \"server_max_window_bits\" the value \"09\" and not 8 to 15"},
      {standard, "permessage-deflate; client_max_window_bits=1x", "gives \"client_max_window_bits\" the value \"1x\" and not 8 to 15"},
      {standard, "permessage-deflate; client_max_window_bits=-9", "gives \"client_max_window_bits\" the value \"-9\" and not 8 to 15"},
      {no_takeover, "permessage-deflate", "lacks \"server_no_context_takeover\", which was asked for"},
      {small, "permessage-deflate", "gives the server a window of more than 11 bits"},
      {small, "permessage-deflate; server_max_window_bits=12", "gives the server a window of more than 11 bits"},
      {small, "permessage-deflate; server_max_window_bits=11; client_max_window_bits=11", "gives the client a window of more than 10 bits"},
  };
  for (const Row& row : rows) {
    INFO(row.answer);
    DeflateAgreement agreement;
    CHECK(take_deflate_answer(row.offered, row.answer, agreement) == row.problem);
  }
}

TEST_CASE("a server answers the first offer that it can grant", "[deflate]") {
  struct Row {
    DeflateOptions options;
    std::string offers;
    std::string answer;
    DeflateAgreement agreement;
  };
  const std::vector<Row> rows{
      {standard, "permessage-deflate", "permessage-deflate", {}},
      {standard, "permessage-deflate; client_max_window_bits", "permessage-deflate", {}},
      {standard,
       "permessage-deflate; client_max_window_bits=9; server_max_window_bits=10",
       "permessage-deflate; client_max_window_bits=9; server_max_window_bits=10",
       {.client_window_bits = 9, .server_window_bits = 10}},
      {standard,
       "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
       "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
       {.client_context_takeover = false, .server_context_takeover = false}},
      {small,
       "permessage-deflate; client_max_window_bits",
       "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11",
       {.client_window_bits = 10, .server_window_bits = 11}},
      // What a client does not say that it can, it is not told to.
      {small, "permessage-deflate", "permessage-deflate; server_max_window_bits=11", {.server_window_bits = 11}},
      {small, "permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9", {.server_window_bits = 9}},
      {standard, "permessage-bzip2, permessage-deflate; level=9, permessage-deflate", "permessage-deflate", {}},
      {standard, "permessage-deflate; server_max_window_bits, permessage-deflate", "permessage-deflate", {}},
  };
  for (const Row& row : rows) {
    INFO(row.offers);
    const auto answer = answer_deflate_offer(row.options, row.offers);
    REQUIRE(answer.has_value());
    CHECK(answer->header == row.answer);
    CHECK(answer->agreement == row.agreement);
  }
  for (const char* offers : {"", "permessage-bzip2", "permessage-deflate; level=9", "permessage-deflate; server_max_window_bits=16",
                             "permessage-deflate; server_max_window_bits", "permessage-deflate;", "permessage-deflate=1"}) {
    INFO(offers);
    CHECK_FALSE(answer_deflate_offer(standard, offers).has_value());
  }
}

TEST_CASE("both sides understand each other whatever they ask", "[deflate]") {
  const std::vector<DeflateOptions> all{standard,
                                        no_takeover,
                                        small,
                                        {.server_context_takeover = false, .client_window_bits = 8},
                                        {.client_context_takeover = false, .server_window_bits = 8}};
  for (const DeflateOptions& client : all) {
    for (const DeflateOptions& server : all) {
      const auto answer = answer_deflate_offer(server, deflate_offer(client));
      REQUIRE(answer.has_value());
      DeflateAgreement agreement;
      INFO(answer->header);
      REQUIRE(take_deflate_answer(client, answer->header, agreement).empty());
      CHECK(agreement == answer->agreement);
    }
  }
}
