#include "orchestrator/study/study_runner.h"

#include <utility>

#include "orchestrator/study/study_loop.h"

namespace beamgrid {

StudyRunner::StudyRunner(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
                         RunnerSettings settings, RunnerParts parts)
    : loop_(std::make_unique<StudyLoop>(recipe, catalogue, std::move(data), std::move(settings),
                                        std::move(parts))) {}
StudyRunner::~StudyRunner() = default;

StudyResult StudyRunner::Run() { return loop_->Run(); }
void StudyRunner::Interrupt() { loop_->Interrupt(); }

}  // namespace beamgrid
