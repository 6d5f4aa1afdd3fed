#pragma once

namespace hostcuda {

long launches();
void resetLaunches();

} // namespace hostcuda
