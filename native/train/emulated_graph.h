// Work that is recorded as a function, for tests of what drives a graph.
#pragma once
#include <memory>

#include "train/device_graph.h"

namespace beit::train {

// Null unless emulate_device_graphs() has asked for it.
std::unique_ptr<DeviceGraph> make_emulated_graph(const at::Generator& generator);

}  // namespace beit::train
