#pragma once
// Recurrent cells in plain loops, for the tests of the components that are made of them.

#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer::reference {

inline void Append(Vector& values, const Vector& more) {
  values.insert(values.end(), more.begin(), more.end());
}

inline Vector Sum(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

inline Matrix Reversed(const Matrix& rows) { return {rows.rbegin(), rows.rend()}; }

/// The share of its old value that unit i keeps at step t (zoneout).
using Keep = std::function<double(std::size_t t, std::size_t i)>;
inline Keep Always(double share) {
  return [share](std::size_t, std::size_t) { return share; };
}
inline double Mix(double share, double old_value, double new_value) {
  return share * old_value + (1 - share) * new_value;
}

/// W x + b over rows [first, first + count) of a cell's matrix "weight_<part>" and its bias.
inline Vector Gate(const Arrays& arrays, const std::string& cell, const std::string& part,
                   const std::string& suffix, const Vector& x, std::size_t first,
                   std::size_t count) {
  const Array& weight = arrays.at(cell + ".weight_" + part + "_l0" + suffix);
  const Array& bias = arrays.at(cell + ".bias_" + part + "_l0" + suffix);
  Vector y;
  for (std::size_t row = first; row < first + count; ++row) {
    y.push_back(bias(row));
    for (std::size_t i = 0; i < x.size(); ++i) y.back() += weight(row, i) * x[i];
  }
  return y;
}

inline std::size_t HiddenOf(const Arrays& arrays, const std::string& cell,
                            const std::string& suffix) {
  return arrays.at(cell + ".weight_hh_l0" + suffix).size(1);
}

/// One direction of one layer: the states of all steps.
using LayerFunction = std::function<Matrix(const Arrays&, const std::string& cell,
                                           const std::string& suffix, const Matrix& inputs)>;

// ---- Cells --------------------------------------------------------------------------------------

/// What an LSTM leaves behind.
struct LstmTrace {
  Matrix states;
  Vector memory;         ///< c after the last step
  Vector candidate_sum;  ///< sum of g
};

// i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b), c = f c + i g, h = o tanh(c).
inline LstmTrace TraceLstm(const Arrays& arrays, const std::string& cell, const std::string& suffix,
                           const Matrix& inputs, const Keep& keep_hidden = Always(0),
                           const Keep& keep_memory = Always(0)) {
  const std::size_t hidden = HiddenOf(arrays, cell, suffix);
  Vector h(hidden, 0.0), c(hidden, 0.0);
  LstmTrace trace{.candidate_sum = Vector(hidden, 0.0)};
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    const auto gate = [&](std::size_t index) {
      return Sum(Gate(arrays, cell, "ih", suffix, inputs[t], index * hidden, hidden),
                 Gate(arrays, cell, "hh", suffix, h, index * hidden, hidden));
    };
    const Vector input = gate(0), forget = gate(1), candidate = gate(2), output = gate(3);
    for (std::size_t i = 0; i < hidden; ++i) {
      const double g = std::tanh(candidate[i]);
      const double memory = Sigmoid(forget[i]) * c[i] + Sigmoid(input[i]) * g;
      h[i] = Mix(keep_hidden(t, i), h[i], Sigmoid(output[i]) * std::tanh(memory));
      c[i] = Mix(keep_memory(t, i), c[i], memory);
      trace.candidate_sum[i] += g;
    }
    trace.states.push_back(h);
  }
  trace.memory = c;
  return trace;
}

inline LayerFunction LstmLayer(double keep_hidden = 0, double keep_memory = 0) {
  return [=](const Arrays& arrays, const std::string& cell, const std::string& suffix,
             const Matrix& inputs) {
    return TraceLstm(arrays, cell, suffix, inputs, Always(keep_hidden), Always(keep_memory)).states;
  };
}

// r, z = sigmoid(W x + U h + b), n = tanh(W x + b + r (U h + d)), h = (1 - z) n + z h; or, with the
// reset gate before the product, n = tanh(W x + b + U (r h) + d).
enum class Reset { kAfter, kBefore };

inline LayerFunction GruLayer(Reset when = Reset::kAfter, double keep = 0) {
  return [=](const Arrays& arrays, const std::string& cell, const std::string& suffix,
             const Matrix& inputs) {
    const std::size_t hidden = HiddenOf(arrays, cell, suffix);
    Vector h(hidden, 0.0);
    Matrix states;
    for (const Vector& x : inputs) {
      const auto part = [&](const char* name, const Vector& values, std::size_t index) {
        return Gate(arrays, cell, name, suffix, values, index * hidden, hidden);
      };
      Vector reset = Sum(part("ih", x, 0), part("hh", h, 0));
      for (double& value : reset) value = Sigmoid(value);
      const Vector update = Sum(part("ih", x, 1), part("hh", h, 1));
      Vector seen = h;
      for (std::size_t i = 0; i < hidden && when == Reset::kBefore; ++i) seen[i] *= reset[i];
      const Vector from_input = part("ih", x, 2), from_state = part("hh", seen, 2);
      for (std::size_t i = 0; i < hidden; ++i) {
        const double gated = when == Reset::kAfter ? reset[i] * from_state[i] : from_state[i];
        const double next = Mix(Sigmoid(update[i]), h[i], std::tanh(from_input[i] + gated));
        h[i] = Mix(keep, h[i], next);
      }
      states.push_back(h);
    }
    return states;
  };
}

// h = tanh(W x + U h + b)
inline LayerFunction TanhLayer(double keep = 0) {
  return [=](const Arrays& arrays, const std::string& cell, const std::string& suffix,
             const Matrix& inputs) {
    const std::size_t hidden = HiddenOf(arrays, cell, suffix);
    Vector h(hidden, 0.0);
    Matrix states;
    for (const Vector& x : inputs) {
      const Vector sums = Sum(Gate(arrays, cell, "ih", suffix, x, 0, hidden),
                              Gate(arrays, cell, "hh", suffix, h, 0, hidden));
      for (std::size_t i = 0; i < hidden; ++i) h[i] = Mix(keep, h[i], std::tanh(sums[i]));
      states.push_back(h);
    }
    return states;
  };
}

// ---- Stacks -------------------------------------------------------------------------------------

inline Matrix BothDirections(const LayerFunction& layer, const Arrays& arrays,
                             const std::string& cell, const Matrix& inputs) {
  Matrix states = layer(arrays, cell, "", inputs);
  const Matrix backward = Reversed(layer(arrays, cell, "_reverse", Reversed(inputs)));
  for (std::size_t t = 0; t < states.size(); ++t) Append(states[t], backward[t]);
  return states;
}

inline Vector Pool(const Matrix& states, const std::string& pool) {
  if (pool == "mean") return MeanRow(states);
  if (pool == "max") return MaxRow(states);
  Vector ends = states.back();
  if (pool == "final") {  // the backward direction ends at the first frame
    for (std::size_t i = ends.size() / 2; i < ends.size(); ++i) ends[i] = states.front()[i];
  }
  return ends;
}

inline std::string Cell(int layer) { return "stack.layer" + std::to_string(layer); }

/// A stack of `layers` layers in one direction.
inline Forward Stack(const LayerFunction& layer_function, int layers, const std::string& pool,
                     bool skip_connections = false) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Matrix states = video;
      for (int layer = 0; layer < layers; ++layer) {
        Matrix next = layer_function(arrays, Cell(layer), "", states);
        for (std::size_t t = 0; t < next.size(); ++t) {
          if (skip_connections && next[t].size() == states[t].size()) {
            next[t] = Sum(next[t], states[t]);
          }
        }
        states = next;
      }
      embeddings.push_back(Pool(states, pool));
    }
    return embeddings;
  };
}

inline Forward Bidirectional(const LayerFunction& layer_function, int layers,
                             const std::string& pool) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Matrix states = video;
      for (int layer = 0; layer < layers; ++layer) {
        states = BothDirections(layer_function, arrays, Cell(layer), states);
      }
      embeddings.push_back(Pool(states, pool));
    }
    return embeddings;
  };
}

/// Parameters at the papers' input width.
inline std::int64_t CountRecurrent(const std::string& name, const Options& set) {
  const WithoutMemory guard;
  std::int64_t count = 0;
  for (const auto& parameter : MakeTemporal(name, set, 1152)->parameters()) {
    count += parameter.numel();
  }
  return count;
}

}  // namespace beamgrid::trainer::reference
