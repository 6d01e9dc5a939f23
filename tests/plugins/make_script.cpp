// make_script FILE WIDTH SCALE [TEXT]: writes a TorchScript module that pools frames of WIDTH
// values by attention, as examples/script/pool.py does with Python; SCALE is that of its initial
// values. It prints TEXT, a line without quotes in it, whenever it is called.

#include <torch/script.h>

#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return EXIT_FAILURE;
  const std::string print = argc == 5 ? "    print('" + std::string(argv[4]) + "')\n" : "";
  const std::int64_t width = std::atoll(argv[2]);
  torch::jit::Module module("Pool");
  module.register_attribute("training", torch::jit::BoolType::get(), true);
  module.register_parameter("weight", torch::zeros({width, 1}).set_requires_grad(true),
                            /*is_buffer=*/false);
  module.define(R"(
def forward(self, frames, mask):
)" + print + R"(    scores = frames.matmul(self.weight).squeeze(2)
    scores = scores.masked_fill(mask.logical_not(), -float("inf"))
    share = torch.softmax(scores, 1).unsqueeze(1)
    return torch.bmm(share, frames).squeeze(1)

def reset_parameters(self) -> None:
    self.weight.normal_(0., )" +
                argv[3] + ")\n");
  module.save(argv[1]);
  return EXIT_SUCCESS;
}
