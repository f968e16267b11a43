# A bridge for node-gyp and tools on top of it: everything about the build stands in CMakeLists.txt.
{
  "targets": [
    {
      "target_name": "beit",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake_build",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(PRODUCT_DIR)/beit.node"],
          "action": ["node", "<(module_root_dir)/scripts/build.mjs", "--output", "<(PRODUCT_DIR)"]
        }
      ]
    }
  ]
}
