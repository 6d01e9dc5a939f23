#pragma once
// Between HTTP and the views: targets are read, views become answers and events.

#include <functional>
#include <memory>
#include <string>

#include "orchestrator/dashboard/http_server.h"
#include "orchestrator/dashboard/publisher.h"

namespace beamgrid {

/// Dashboard serves what a publisher, which outlives it, hands out. A stream has the events
/// "sections", a JSON object {as_of, ids, sections: [{id, digest, html}]} with the sections that
/// its client lacks, and "trouble", a JSON text that says why there is no view.
class Dashboard : public HttpHandler {
 public:
  explicit Dashboard(Publisher& publisher) : publisher_(publisher) {}

  void Get(const std::string& target, std::function<void(HttpAnswer)> answer) override;
  std::unique_ptr<EventStream> Follow(const std::string& target,
                                      std::function<void()> news) override;
  /// Of a page the view as it was last, or the page before anything of it is read.
  [[nodiscard]] std::optional<HttpAnswer> Meanwhile(const std::string& target) override;
  [[nodiscard]] HttpAnswer Refuse(int status, const std::string& why,
                                  const std::string& target) override;

 private:
  Publisher& publisher_;
};

}  // namespace beamgrid
