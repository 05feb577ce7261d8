# What is frozen into the image. -O2 drops assertions but keeps line numbers, for fault frames.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
package("pod", base_path="../..", opt=2)
module("startup.py", base_path="../..", opt=2)
module("main.py", base_path="../..", opt=2)
