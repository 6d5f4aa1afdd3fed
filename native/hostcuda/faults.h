// What a test asks of the device (control.cpp hands it through to Java).
#pragma once

#include <string>
#include <vector>

namespace hostcuda {

void resetFaults();
void failCall(const std::string &routine, long nth, int status);
void loseDevice(const std::string &routine, long nth);
void forgeInfo(const std::string &routine, long nth, int info);
void failAllocation(long nth);
long calls(const std::string &routine);
std::vector<std::string> routines();
std::vector<std::string> violations();
std::vector<std::string> liveObjects();

} // namespace hostcuda
