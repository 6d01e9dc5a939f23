#include "search/ensemble/exact_rows.h"

namespace beamgrid {

void ExactRows::Begin(const DenseVideo& dense, std::int32_t largest_label) {
  const std::span<const std::int32_t> labels = dense.labels();
  tags_.resize(labels.size());
  for (std::size_t c = 0; c < labels.size(); ++c) {
    tags_[c] =
        static_cast<Exact>(largest_label - labels[c]) << 1 | (c < dense.true_columns() ? 1 : 0);
  }
}

std::span<ExactRows::Exact> ExactRows::Row(int model, Exact floor) {
  const auto m = static_cast<std::size_t>(model);
  rows_[m].assign(tags_.size(), 0);
  floors_[m] = floor;
  return rows_[m];
}

void ExactRows::BeginSet(const ModelSet& set) {
  set_ = tags_;
  set_floor_ = 0;
  for (const int member : set) {
    const auto m = static_cast<std::size_t>(member);
    set_floor_ += floors_[m];
    for (std::size_t c = 0; c < set_.size(); ++c) set_[c] += rows_[m][c];
  }
}

void ExactRows::AppendKeys(int added, std::span<const std::uint16_t> columns,
                           std::vector<Exact>& keys) const {
  const auto m = static_cast<std::size_t>(added);
  const Exact floor = set_floor_ + floors_[m];
  for (const std::uint16_t c : columns) keys.push_back(set_[c] + rows_[m][c] + floor);
}

}  // namespace beamgrid
