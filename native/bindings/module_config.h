// Configurations of modules out of JavaScript objects, whose values lib/ has validated.
#pragma once
#include <napi.h>

#include "models/beit_config.h"
#include "models/conv_discrete_vae.h"
#include "models/dalle_dvae.h"

namespace beit::bindings {

models::BeitConfig beit_config_from(const Napi::Object& config);
models::DalleDvaeConfig dalle_dvae_config_from(const Napi::Object& config);
models::ConvDiscreteVaeConfig conv_discrete_vae_config_from(const Napi::Object& config);

}  // namespace beit::bindings
