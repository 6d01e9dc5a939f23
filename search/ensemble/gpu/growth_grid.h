#pragma once
// The best 20 labels of every growth in every video, exactly, on a grid of blocks of threads: one
// source for the CUDA kernel (cuda_device.cu) and for its emulation in the tests. C++17, no
// standard library, raw pointers: nvcc compiles it.
//
// A block takes one video at a time. For each set it adds up the members' lists, label by label,
// and ranks the labels that are listed; then each warp takes one growth at a time: only labels that
// the added model lists or that are in the set's own top 20 can be in the growth's, because no term
// is negative. Keys are those of pool.h and all different, so a label's place is the number of keys
// above its own: nothing is sorted, and whichever thread comes first, the numbers are the same.

#include <cstdint>

#ifdef __CUDACC__
#define BEAMGRID_ON_BOTH __host__ __device__
#else
#define BEAMGRID_ON_BOTH
#endif

namespace beamgrid::gpu {

inline constexpr int kTop = 20;    ///< as kGapTop
inline constexpr int kLanes = 32;  ///< threads of a warp
inline constexpr int kWarps = 8;   ///< of a block

/// An entry of a list is `units above the list's floor << kLabelBits | label`.
inline constexpr int kLabelBits = 16;

/// PoolView is the lists of all models, video by video.
struct PoolView {
  std::int64_t videos;
  std::int32_t models;
  std::int32_t labels;               ///< the largest one that is listed, and 1
  std::int32_t longest;              ///< entries of a list, at most
  std::int32_t tag_bits;             ///< of a key
  const std::uint64_t* entries;      ///< of all lists
  const std::uint64_t* begin;        ///< [videos, models] and 1 more, into entries
  const std::int64_t* floors;        ///< [videos, models] units of a label that is not listed
  const std::int32_t* truth;         ///< true labels of all videos
  const std::uint64_t* truth_begin;  ///< [videos + 1] into truth
};

/// Run is growths of one set.
struct Run {
  std::int32_t member_begin, member_end;  ///< into members; each counts as often as it is there
  std::int32_t growth_begin, growth_end;
};

/// Binning cuts sums from 0 to a largest one into bins: all of them are used, and none is left.
struct Binning {
  std::int32_t shift;    ///< the largest sum >> shift is below 2^31
  std::uint64_t factor;  ///< bins * 2^32 / ((the largest sum >> shift) + 1)
};
BEAMGRID_ON_BOTH inline std::int64_t BinOf(std::int64_t sum, const Binning& binning) {
  return static_cast<std::int64_t>(
      static_cast<std::uint64_t>(sum >> binning.shift) * binning.factor >> 32);
}

/// PlanView is the growths of a pass and what becomes of their tops: they are counted, or listed.
struct PlanView {
  std::int32_t runs_count;
  const Run* runs;
  const std::int32_t* members;  ///< models of all sets
  const std::int32_t* added;    ///< [growths] the model that each adds
  Binning binning;
  std::int64_t bins;
  std::uint32_t* counts;  ///< [growths, bins, 2] misses and hits; null: tops are listed
  std::int64_t* keys;     ///< [growths, videos, kTop] of the best labels, -1 where there are fewer
};

/// Workspace is what the threads of a block share.
struct Workspace {
  std::int64_t* keys;      ///< [labels] of a set's sums, its floor left out
  std::uint8_t* place;     ///< [labels] in the set's top, from 1; 0: not listed; kListed: below
  std::uint16_t* listed;   ///< [labels] those that a member lists
  std::uint32_t* counter;  ///< [1] how many these are
  std::int64_t* top;       ///< [kTop]
  std::int64_t* rivals;    ///< [kWarps, longest + kTop]
  std::uint32_t* raised;   ///< [kWarps] places of the top that the added model lists
};
inline constexpr std::uint8_t kListed = 255;

/// Returns the memory that a block's threads share, and lays a workspace out in it.
BEAMGRID_ON_BOTH inline std::int64_t WorkspaceBytes(std::int32_t labels, std::int32_t longest) {
  const std::int64_t of_label = 8 + 2 + 1;
  return of_label * labels + 8 * (kTop + kWarps * (std::int64_t{longest} + kTop)) +
         4 * (kWarps + 1) + 8;
}
BEAMGRID_ON_BOTH inline Workspace LaidOut(unsigned char* memory, const PoolView& pool) {
  Workspace work;
  // The widest numbers first, so that each lies where its width demands.
  work.keys = reinterpret_cast<std::int64_t*>(memory);
  work.top = work.keys + pool.labels;
  work.rivals = work.top + kTop;
  work.counter = reinterpret_cast<std::uint32_t*>(work.rivals + kWarps * (pool.longest + kTop));
  work.raised = work.counter + 1;
  work.listed = reinterpret_cast<std::uint16_t*>(work.raised + kWarps);
  work.place = reinterpret_cast<std::uint8_t*>(work.listed + pool.labels);
  return work;
}

/// Adds, or sets bits, where several threads may at the same time; returns what was there.
BEAMGRID_ON_BOTH inline std::uint32_t FetchAdd(std::uint32_t* at, std::uint32_t more) {
#ifdef __CUDA_ARCH__
  return atomicAdd(at, more);
#else
  const std::uint32_t before = *at;
  *at += more;
  return before;
#endif
}
BEAMGRID_ON_BOTH inline void SetBits(std::uint32_t* at, std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  atomicOr(at, bits);
#else
  *at |= bits;
#endif
}

/// Returns how many of `count` keys are above `key`.
template <typename KeyAt>
BEAMGRID_ON_BOTH int CountAbove(std::int64_t key, int count, const KeyAt& key_at) {
  int above = 0;
  for (int i = 0; i < count; ++i) above += key_at(i) > key ? 1 : 0;
  return above;
}

/// VideoScorer is the work of a block on one video. `Team` is its threads: Threads(body) and
/// Lanes(body) carry out body(index, count) for each thread of the block or lane of a warp, and all
/// are done before it returns; Warps(body) does so for each warp.
template <typename Team>
class VideoScorer {
 public:
  BEAMGRID_ON_BOTH VideoScorer(const Team& team, const PoolView& pool, const PlanView& plan,
                               const Workspace& work, std::int64_t video)
      : team_(team), pool_(pool), plan_(plan), work_(work), video_(video) {}

  BEAMGRID_ON_BOTH void ScoreAll() const {
    for (int r = 0; r < plan_.runs_count; ++r) {
      const Run& run = plan_.runs[r];
      AddUp(run);
      RankSet();
      const std::int64_t floor = FloorOf(run);
      team_.Warps([&](int warp) {
        for (int g = run.growth_begin + warp; g < run.growth_end; g += kWarps) {
          ScoreGrowth(warp, g, floor);
        }
      });
    }
  }

 private:
  struct List {
    const std::uint64_t* entries;
    int size;
    std::int64_t floor;
  };
  BEAMGRID_ON_BOTH List ListOf(std::int32_t model) const {
    const std::int64_t at = video_ * pool_.models + model;
    return {pool_.entries + pool_.begin[at],
            static_cast<int>(pool_.begin[at + 1] - pool_.begin[at]), pool_.floors[at]};
  }
  BEAMGRID_ON_BOTH static int LabelOf(std::uint64_t entry) {
    return static_cast<int>(entry & ((std::uint64_t{1} << kLabelBits) - 1));
  }
  BEAMGRID_ON_BOTH std::int64_t KeyOf(std::uint64_t entry) const {
    return static_cast<std::int64_t>(entry >> kLabelBits) << pool_.tag_bits;
  }
  BEAMGRID_ON_BOTH std::int64_t FloorOf(const Run& run) const {
    std::int64_t floor = 0;
    for (int m = run.member_begin; m < run.member_end; ++m) floor += ListOf(plan_.members[m]).floor;
    return floor;
  }

  BEAMGRID_ON_BOTH void AddUp(const Run& run) const {
    team_.Threads([&](int thread, int threads) {
      if (thread == 0) *work_.counter = 0;
      for (int label = thread; label < pool_.labels; label += threads) {
        work_.keys[label] = std::int64_t{pool_.labels - 1 - label} << 1;
        work_.place[label] = 0;
      }
    });
    team_.Threads([&](int thread, int threads) {
      const std::uint64_t end = pool_.truth_begin[video_ + 1];
      for (std::uint64_t i = pool_.truth_begin[video_] + static_cast<std::uint64_t>(thread);
           i < end; i += static_cast<std::uint64_t>(threads)) {
        // One beyond is listed by no model.
        if (pool_.truth[i] < pool_.labels) work_.keys[pool_.truth[i]] |= 1;
      }
    });
    for (int m = run.member_begin; m < run.member_end; ++m) {
      const List list = ListOf(plan_.members[m]);
      // A list has a label once, so that no two threads meet.
      team_.Threads([&](int thread, int threads) {
        for (int i = thread; i < list.size; i += threads) {
          const int label = LabelOf(list.entries[i]);
          work_.keys[label] += KeyOf(list.entries[i]);
          if (work_.place[label] != 0) continue;
          work_.place[label] = kListed;
          work_.listed[FetchAdd(work_.counter, 1)] = static_cast<std::uint16_t>(label);
        }
      });
    }
  }

  BEAMGRID_ON_BOTH void RankSet() const {
    team_.Threads([&](int thread, int threads) {
      const int count = static_cast<int>(*work_.counter);
      const auto key_at = [&](int i) { return work_.keys[work_.listed[i]]; };
      for (int i = thread; i < count; i += threads) {
        const int above = CountAbove(key_at(i), count, key_at);
        if (above >= kTop) continue;
        work_.top[above] = key_at(i);
        work_.place[work_.listed[i]] = static_cast<std::uint8_t>(above + 1);
      }
    });
  }

  BEAMGRID_ON_BOTH void ScoreGrowth(int warp, int growth, std::int64_t floor) const {
    const List list = ListOf(plan_.added[growth]);
    std::int64_t* const rivals = work_.rivals + warp * (pool_.longest + kTop);
    std::uint32_t* const raised = work_.raised + warp;
    const int listed = static_cast<int>(*work_.counter);
    const int top = listed < kTop ? listed : kTop;
    const int count = list.size + top;
    team_.Lanes([&](int lane, int) {
      if (lane == 0) *raised = 0;
    });
    team_.Lanes([&](int lane, int lanes) {
      for (int i = lane; i < list.size; i += lanes) {
        const int label = LabelOf(list.entries[i]);
        rivals[i] = work_.keys[label] + KeyOf(list.entries[i]);
        const std::uint8_t place = work_.place[label];
        if (place != 0 && place != kListed) SetBits(raised, std::uint32_t{1} << (place - 1));
      }
    });
    team_.Lanes([&](int lane, int lanes) {
      // Below all keys, where the list has the label.
      for (int i = lane; i < top; i += lanes) {
        rivals[list.size + i] = (*raised >> i & 1) != 0 ? -1 : work_.top[i];
      }
    });
    team_.Lanes([&](int lane, int lanes) {
      for (int i = lane; i < count; i += lanes) {
        if (rivals[i] < 0) continue;
        const int above = CountAbove(rivals[i], count, [&](int j) { return rivals[j]; });
        if (above < kTop) Put(growth, above, rivals[i], floor + list.floor);
      }
    });
  }

  BEAMGRID_ON_BOTH void Put(int growth, int above, std::int64_t key, std::int64_t floor) const {
    const std::int64_t whole = key + (floor << pool_.tag_bits);
    if (plan_.counts == nullptr) {
      plan_.keys[(growth * pool_.videos + video_) * kTop + above] = whole;
      return;
    }
    const std::int64_t bin = BinOf(whole >> pool_.tag_bits, plan_.binning);
    FetchAdd(plan_.counts + 2 * (growth * plan_.bins + bin) + (whole & 1), 1);
  }

  const Team& team_;
  const PoolView& pool_;
  const PlanView& plan_;
  const Workspace& work_;
  std::int64_t video_;
};

}  // namespace beamgrid::gpu
