// The probe pod: a Raspberry Pi Pico (RP2040, 2 MB flash).
#define MICROPY_HW_BOARD_NAME                   "Barbotage probe pod"
#define MICROPY_HW_FLASH_STORAGE_BYTES          (1408 * 1024)
#define MICROPY_HW_USB_MANUFACTURER_STRING      "Barbotage"
#define MICROPY_HW_USB_PRODUCT_FS_STRING        "Barbotage probe pod"
