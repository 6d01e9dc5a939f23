// Products in bf16 against double precision: of the rounded operands, rounded once.

#include "trainer/products.h"

#include <gtest/gtest.h>

#include <thread>

#include "trainer/linear.h"

namespace beamgrid::trainer {
namespace products_test {

using torch::Tensor;

/// Half of the distance of two neighbours in bf16, relative.
constexpr double kRounding = 1.0 / 256;

Tensor Doubles(const Tensor& values) { return values.detach().to(torch::kDouble); }
Tensor Rounded(const Tensor& values) { return Doubles(values.detach().to(torch::kBFloat16)); }

/// `got` is `exact` rounded to bf16, but for the fp32 of the sum, whose terms have this sum of
/// magnitudes.
void ExpectRounded(const Tensor& got, const Tensor& exact, const Tensor& magnitudes) {
  ASSERT_EQ(got.scalar_type(), torch::kFloat);
  ASSERT_EQ(got.sizes(), exact.sizes());
  EXPECT_TRUE(Doubles(got).equal(Rounded(got))) << "the result is not rounded";
  const Tensor allowed = 1.001 * kRounding * exact.abs() + 2e-6 * magnitudes;
  EXPECT_TRUE(((Doubles(got) - exact).abs() <= allowed).all().item<bool>())
      << (Doubles(got) - exact).abs().max();
}

struct Sides {
  std::string name;
  std::vector<std::int64_t> left, right;
  bool transposed = false;  ///< operands that are views of their transposes
};

void PrintTo(const Sides& sides, std::ostream* out) { *out << sides.name; }

class ProductsTest : public ::testing::TestWithParam<Sides> {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    torch::manual_seed(11);
  }
  static Tensor Random(std::vector<std::int64_t> sizes) {
    if (!GetParam().transposed) return torch::randn(sizes);
    std::swap(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
    return torch::randn(sizes).transpose(-1, -2);
  }
};

TEST_P(ProductsTest, AreThoseOfTheRoundedOperands) {
  const Tensor left = Random(GetParam().left), right = Random(GetParam().right);
  const ProductsIn bf16(Arithmetic::kBf16);
  const Tensor got = Product(left, right);
  ExpectRounded(got, Rounded(left).matmul(Rounded(right)),
                Rounded(left).abs().matmul(Rounded(right).abs()));
  EXPECT_GT((Doubles(got) - Doubles(left).matmul(Doubles(right))).abs().max().item<double>(), 1e-4)
      << "this is fp32";
}

TEST_P(ProductsTest, HaveGradientsOfTheRoundedOperands) {
  const Tensor left = Random(GetParam().left).detach().requires_grad_();
  const Tensor right = Random(GetParam().right).detach().requires_grad_();
  Tensor product;
  {
    const ProductsIn bf16(Arithmetic::kBf16);
    product = Product(left, right);
  }
  const Tensor into = torch::randn_like(product);
  product.backward(into);  // in bf16 as well, though nothing says so any more
  const auto gradients = [&](const auto& of) {
    const Tensor a = of(left).requires_grad_(), b = of(right).requires_grad_();
    a.matmul(b).backward(of(into));
    return std::pair(a.grad(), b.grad());
  };
  const auto exact = gradients([](const Tensor& values) { return Rounded(values); });
  const auto terms = gradients([](const Tensor& values) { return Rounded(values).abs(); });
  ExpectRounded(left.grad(), exact.first, terms.first);
  ExpectRounded(right.grad(), exact.second, terms.second);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ProductsTest,
    ::testing::Values(Sides{"large", {96, 160}, {160, 80}}, Sides{"small", {5, 7}, {7, 3}},
                      Sides{"a_row", {1, 700}, {700, 900}}, Sides{"a_column", {700, 900}, {900, 1}},
                      Sides{"transposed", {96, 160}, {160, 80}, true},
                      Sides{"batches", {6, 40, 96}, {6, 96, 80}},
                      Sides{"batches_transposed", {6, 40, 96}, {6, 96, 80}, true},
                      Sides{"small_batches", {6, 4, 9}, {6, 9, 8}},
                      Sides{"batches_by_a_matrix", {6, 40, 96}, {96, 80}},
                      Sides{"heads", {3, 4, 40, 64}, {3, 4, 64, 120}}),
    [](const auto& info) { return info.param.name; });

TEST(Products, WithoutAskingAreLibTorchsOwn) {
  torch::manual_seed(12);
  const Tensor left = torch::randn({96, 160}), right = torch::randn({160, 80});
  const Tensor sum = torch::randn({96, 80}), bias = torch::randn({80});
  EXPECT_EQ(CurrentArithmetic(), Arithmetic::kFp32);
  EXPECT_TRUE(Product(left, right).equal(left.matmul(right)));
  EXPECT_TRUE(AddProduct(sum, left, right).equal(torch::addmm(sum, left, right)));
  EXPECT_TRUE(LinearProduct(left, right.t(), bias).equal(torch::linear(left, right.t(), bias)));
  const Tensor frames = torch::randn({4, 8, 20}), weight = torch::randn({16, 8, 3});
  EXPECT_TRUE(ConvolutionProduct(frames, weight, {}, 2)
                  .equal(torch::conv1d(frames, weight, {}, /*stride=*/1, /*padding=*/2)));
}

TEST(Products, OfDoublesAreNeverRounded) {
  const Tensor left = torch::randn({96, 160}, torch::kDouble);
  const Tensor right = torch::randn({160, 80}, torch::kDouble);
  const ProductsIn bf16(Arithmetic::kBf16);
  EXPECT_TRUE(Product(left, right).equal(left.matmul(right)));
}

TEST(Products, RoundNeitherBiasNorSum) {
  const double third = 1 + 1.0 / 3;
  const Tensor left = torch::zeros({96, 160}), right = torch::zeros({160, 80});
  const ProductsIn bf16(Arithmetic::kBf16);
  const Tensor thirds = torch::full({96, 80}, third);
  EXPECT_TRUE(AddProduct(thirds, left, right).equal(thirds));
  EXPECT_TRUE(LinearProduct(left, right.t(), torch::full({80}, third)).equal(thirds));
}

// To the last bit: trials that were recorded before there was the choice are trained again so.
TEST(Products, OfALayerAreThoseOfLibTorchsLayer) {
  torch::manual_seed(15);
  // Wide, so that a product is summed in several parts and it shows where the bias is added.
  Linear layer(1152, 80);
  torch::nn::Linear theirs(1152, 80);
  {
    const torch::NoGradGuard no_gradient;
    theirs->weight.copy_(layer->weight);
    theirs->bias.copy_(layer->bias);
  }
  for (const auto& sizes : {std::vector<std::int64_t>{96, 1152}, {6, 40, 1152}}) {
    const Tensor input = torch::randn(sizes);
    const Tensor ours = layer(input), expected = theirs(input);
    EXPECT_TRUE(ours.equal(expected));
    const Tensor into = torch::randn_like(ours);
    ours.backward(into);
    expected.backward(into);
    EXPECT_TRUE(layer->weight.grad().equal(theirs->weight.grad()));
    EXPECT_TRUE(layer->bias.grad().equal(theirs->bias.grad()));
  }
}

TEST(Products, OfALayerAreRounded) {
  torch::manual_seed(13);
  Linear layer(torch::nn::LinearOptions(160, 80).bias(false));
  const Tensor input = torch::randn({96, 160});
  const Tensor plain = layer(input);
  EXPECT_TRUE(plain.equal(torch::linear(input, layer->weight)));
  const ProductsIn bf16(Arithmetic::kBf16);
  const Tensor weight = Rounded(layer->weight).t();
  ExpectRounded(layer(input), Rounded(input).matmul(weight),
                Rounded(input).abs().matmul(weight.abs()));
}

TEST(Products, OfAConvolutionAreThoseOfTheRoundedOperands) {
  torch::manual_seed(14);
  for (const std::int64_t channels : {4, 64}) {
    const Tensor frames = torch::randn({6, channels, 30}).requires_grad_();
    const Tensor weight = torch::randn({48, channels, 3}).requires_grad_();
    Tensor got;
    {
      const ProductsIn bf16(Arithmetic::kBf16);
      got = ConvolutionProduct(frames, weight, {}, /*padding=*/2);
    }
    const Tensor into = torch::randn_like(got);
    got.backward(into);
    const auto run = [&](const auto& of) {
      const Tensor a = of(frames).requires_grad_(), b = of(weight).requires_grad_();
      const Tensor sums = torch::conv1d(a, b, {}, /*stride=*/1, /*padding=*/2);
      sums.backward(of(into));
      return std::array{sums.detach(), a.grad(), b.grad()};
    };
    const auto exact = run([](const Tensor& values) { return Rounded(values); });
    const auto terms = run([](const Tensor& values) { return Rounded(values).abs(); });
    ExpectRounded(got, exact[0], terms[0]);
    ExpectRounded(frames.grad(), exact[1], terms[1]);
    ExpectRounded(weight.grad(), exact[2], terms[2]);
  }
}

TEST(ProductsIn, HoldsForItsScopeAndItsThread) {
  const ProductsIn bf16(Arithmetic::kBf16);
  {
    const ProductsIn fp32(Arithmetic::kFp32);
    EXPECT_EQ(CurrentArithmetic(), Arithmetic::kFp32);
  }
  EXPECT_EQ(CurrentArithmetic(), Arithmetic::kBf16);
  Arithmetic elsewhere = Arithmetic::kBf16;
  std::thread([&] { elsewhere = CurrentArithmetic(); }).join();
  EXPECT_EQ(elsewhere, Arithmetic::kFp32);
}

TEST(ArithmeticOf, KnowsItsWords) {
  EXPECT_EQ(ArithmeticOf("fp32"), Arithmetic::kFp32);
  EXPECT_EQ(ArithmeticOf("bf16"), Arithmetic::kBf16);
  EXPECT_THROW(static_cast<void>(ArithmeticOf("fp16")), std::invalid_argument);
}

}  // namespace products_test
}  // namespace beamgrid::trainer
