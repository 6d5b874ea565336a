/*
 * The identity's flash on an ESP32: blobs in the NVS namespace `identity`. NVS keeps a checksum of each entry and writes
 * a new one before it drops the old one; the content is encrypted when ESP-IDF's NVS encryption is on.
 */
#if defined(ESP_PLATFORM)

#undef BOOTLOADER_BUILD
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#include "identity-flash.h"

#include "nvs_flash/include/nvs.h"

#include <stdlib.h>
#include <string.h>

static const char name_space[] = "identity";

static enum identity_flash_result result_of(esp_err_t error)
{
	switch (error) {
	case ESP_OK:
		return IDENTITY_FLASH_OK;
	case ESP_ERR_NVS_NOT_FOUND:
		return IDENTITY_FLASH_ABSENT;
	case ESP_ERR_NO_MEM:
		return IDENTITY_FLASH_NO_MEMORY;
	case ESP_ERR_NVS_INVALID_LENGTH:
	case ESP_ERR_NVS_TYPE_MISMATCH:
		return IDENTITY_FLASH_CORRUPT;
	default:
		return IDENTITY_FLASH_UNREADABLE;
	}
}

enum identity_flash_result identity_flash_read(const char *name, unsigned char **bytes, size_t *length)
{
	nvs_handle_t handle;
	*bytes = NULL;
	*length = 0;
	esp_err_t error = nvs_open(name_space, NVS_READONLY, &handle);
	if (error != ESP_OK)
		return result_of(error);
	/* nvs_get_blob does not look at an entry's type when it is asked for the length alone. */
	nvs_type_t type = NVS_TYPE_ANY;
	error = nvs_find_key(handle, name, &type);
	if (error == ESP_OK && type != NVS_TYPE_BLOB)
		error = ESP_ERR_NVS_TYPE_MISMATCH;
	size_t size = 0;
	if (error == ESP_OK)
		error = nvs_get_blob(handle, name, NULL, &size);
	if (error == ESP_OK && (size == 0 || size > IDENTITY_FLASH_LIMIT))
		error = ESP_ERR_NVS_INVALID_LENGTH;
	unsigned char *blob = NULL;
	if (error == ESP_OK) {
		blob = calloc(1, size + 1);
		error = blob ? nvs_get_blob(handle, name, blob, &size) : ESP_ERR_NO_MEM;
	}
	nvs_close(handle);
	if (error != ESP_OK) {
		free(blob);
		return result_of(error);
	}
	*bytes = blob;
	*length = size;
	return IDENTITY_FLASH_OK;
}

enum identity_flash_result identity_flash_write(const char *name, const unsigned char *bytes, size_t length)
{
	nvs_handle_t handle;
	if (length == 0 || length > IDENTITY_FLASH_LIMIT || nvs_open(name_space, NVS_READWRITE, &handle) != ESP_OK)
		return IDENTITY_FLASH_WRITE_FAILED;
	esp_err_t error = nvs_set_blob(handle, name, bytes, length);
	if (error == ESP_OK)
		error = nvs_commit(handle);
	nvs_close(handle);
	return error == ESP_OK ? IDENTITY_FLASH_OK : IDENTITY_FLASH_WRITE_FAILED;
}

enum identity_flash_result identity_flash_erase(const char *name)
{
	nvs_handle_t handle;
	if (nvs_open(name_space, NVS_READWRITE, &handle) != ESP_OK)
		return IDENTITY_FLASH_WRITE_FAILED;
	esp_err_t error = nvs_erase_key(handle, name);
	if (error == ESP_OK)
		error = nvs_commit(handle);
	nvs_close(handle);
	return error == ESP_OK || error == ESP_ERR_NVS_NOT_FOUND ? IDENTITY_FLASH_OK : IDENTITY_FLASH_WRITE_FAILED;
}

#endif
