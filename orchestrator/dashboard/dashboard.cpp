#include "orchestrator/dashboard/dashboard.h"

#include <map>
#include <mutex>
#include <utility>
#include <variant>

#include "registry/util/json.h"

namespace beamgrid {
namespace {

HttpAnswer AnswerOf(const Publisher::SharedView& view) {
  HttpAnswer answer{.status = view->status,
                    .type = view->type,
                    .body = std::shared_ptr<const std::string>(view, &view->body)};
  // No other site may show, read or guess at a page of ours.
  answer.headers = {{"Content-Security-Policy", PagePolicy()},
                    {"X-Content-Type-Options", "nosniff"},
                    {"Cross-Origin-Resource-Policy", "same-origin"},
                    {"Cross-Origin-Opener-Policy", "same-origin"},
                    {"Referrer-Policy", "no-referrer"},
                    {"Vary", "Accept"}};
  if (view->status == 503) answer.headers.emplace_back("Retry-After", "2");
  return answer;
}

std::string EventText(const std::string& name, const boost::json::value& data) {
  // JSON on one line, so that it is one line of data.
  return "event: " + name + "\ndata: " + CanonicalJson(data) + "\n\n";
}

/// Latest is the newest view of a stream, from the thread that made it to the one that sends it.
struct Latest {
  std::mutex mutex;
  Publisher::SharedView view;
};

/// ViewStream tells one client what it lacks.
class ViewStream : public EventStream {
 public:
  ViewStream(Publisher& publisher, const Target& target, std::function<void()> news)
      : publisher_(publisher),
        follower_(publisher.Follow(
            target, [latest = latest_, news = std::move(news)](const Publisher::SharedView& view) {
              {
                const std::lock_guard lock(latest->mutex);
                latest->view = view;
              }
              news();
            })) {}
  ~ViewStream() override { publisher_.Unfollow(follower_); }
  ViewStream(const ViewStream&) = delete;
  ViewStream& operator=(const ViewStream&) = delete;

  std::string Next() override {
    Publisher::SharedView view;
    {
      const std::lock_guard lock(latest_->mutex);
      view = std::exchange(latest_->view, nullptr);
    }
    if (!view) return {};
    if (view->trouble.empty()) return SectionsEvent(*view);
    sent_.clear();
    return EventText("trouble", boost::json::string(view->trouble));
  }

 private:
  std::string SectionsEvent(const View& view) {
    boost::json::array ids, sections;
    std::map<std::string, std::string> now;
    for (const ViewSection& section : view.sections) {
      ids.emplace_back(section.id);
      now[section.id] = section.digest;
      const auto sent = sent_.find(section.id);
      if (sent != sent_.end() && sent->second == section.digest) continue;
      sections.push_back(boost::json::object{
          {"id", section.id}, {"digest", section.digest}, {"html", section.html}});
    }
    sent_ = std::move(now);
    return EventText("sections", boost::json::object{{"as_of", view.as_of},
                                                     {"ids", std::move(ids)},
                                                     {"sections", std::move(sections)}});
  }

  std::shared_ptr<Latest> latest_ = std::make_shared<Latest>();
  std::map<std::string, std::string> sent_;  ///< digests by id
  Publisher& publisher_;
  std::uint64_t follower_;
};

}  // namespace

void Dashboard::Get(const std::string& target, std::function<void(HttpAnswer)> answer) {
  const auto parsed = ParseTarget(target);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
    answer(Refuse(refusal->status, refusal->why, target));
    return;
  }
  publisher_.Ask(
      std::get<Target>(parsed),
      [answer = std::move(answer)](const Publisher::SharedView& view) { answer(AnswerOf(view)); });
}

std::unique_ptr<EventStream> Dashboard::Follow(const std::string& target,
                                               std::function<void()> news) {
  const auto parsed = ParseTarget(target);
  const auto* question = std::get_if<Target>(&parsed);
  if (question == nullptr || question->form == ViewForm::kJson) return nullptr;
  return std::make_unique<ViewStream>(publisher_, *question, std::move(news));
}

std::optional<HttpAnswer> Dashboard::Meanwhile(const std::string& target) {
  const auto parsed = ParseTarget(target);
  const auto* question = std::get_if<Target>(&parsed);
  if (question == nullptr || question->form == ViewForm::kJson) return std::nullopt;
  Publisher::SharedView view = publisher_.Last(*question);
  if (!view) view = std::make_shared<const View>(EmptyView(*question));
  return AnswerOf(view);
}

HttpAnswer Dashboard::Refuse(int status, const std::string& why, const std::string& target) {
  return AnswerOf(std::make_shared<const View>(RefusalView({status, why}, FormOf(target))));
}

}  // namespace beamgrid
