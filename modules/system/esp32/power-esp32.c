/* Power, resets and deep sleep by ESP-IDF. */
#if defined(ESP_PLATFORM)

#undef BOOTLOADER_BUILD
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#include "xs-port.h"

#include "esp_attr.h"
#include "esp_rom_crc.h"
#include "esp_sleep.h"
#include "esp_system.h"
#include "esp_wifi.h"
#include "soc/soc_caps.h"

#include <string.h>

enum { RETAINED_LIMIT = 1024 }; /* retainedLimit in power.ts */

/*
 * Not initialised at a start, so it outlives panics and watchdogs as well. After a loss of power its content is random,
 * which the checksum tells.
 */
static RTC_NOINIT_ATTR struct {
	uint32_t crc;
	uint32_t length;
	char text[RETAINED_LIMIT];
} retained;

static uint32_t retained_crc(void)
{
	return esp_rom_crc32_le(retained.length, (const uint8_t *)retained.text, retained.length);
}

/* () → esp_reset_reason_t */
void xs_power_get_reset_reason(xsMachine *the)
{
	xsmcSetInteger(xsResult, esp_reset_reason());
}

/* () → 0 none, 1 timer, 2 pin */
void xs_power_get_wake_cause(xsMachine *the)
{
	uint32_t causes = esp_sleep_get_wakeup_causes();
	const uint32_t pins = 1u << ESP_SLEEP_WAKEUP_EXT0 | 1u << ESP_SLEEP_WAKEUP_EXT1 | 1u << ESP_SLEEP_WAKEUP_GPIO;
	xsmcSetInteger(xsResult, causes & pins ? 2 : causes & 1u << ESP_SLEEP_WAKEUP_TIMER ? 1 : 0);
}

void xs_power_get_heap_low(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)esp_get_minimum_free_heap_size());
}

void xs_power_get_retained(xsMachine *the)
{
	if (retained.length == 0 || retained.length > RETAINED_LIMIT || retained.crc != retained_crc())
		return;
	xsmcSetStringBuffer(xsResult, retained.text, retained.length);
}

/* (text) */
void xs_power_retain(xsMachine *the)
{
	const char *text = xsmcToString(xsArg(0));
	size_t length = strlen(text);
	if (length > RETAINED_LIMIT)
		xsRangeError("Power: at most %d bytes can be retained", RETAINED_LIMIT);
	retained.length = length;
	memcpy(retained.text, text, length);
	retained.crc = retained_crc();
}

void xs_power_restart(xsMachine *the)
{
	(void)the;
	esp_restart();
}

/* The pin that wakes: which call there is for that depends on the chip. */
static esp_err_t wake_at(int pin, int level)
{
#if SOC_GPIO_SUPPORT_HP_PERIPH_PD_SLEEP_WAKEUP
	return esp_sleep_enable_gpio_wakeup_on_hp_periph_powerdown(1ull << pin, level ? ESP_GPIO_WAKEUP_GPIO_HIGH
	                                                                              : ESP_GPIO_WAKEUP_GPIO_LOW);
#elif SOC_PM_SUPPORT_EXT0_WAKEUP
	return esp_sleep_enable_ext0_wakeup((gpio_num_t)pin, level);
#else
	(void)pin;
	(void)level;
	return ESP_ERR_NOT_SUPPORTED;
#endif
}

/* (milliseconds, pin or -1, level) */
void xs_power_sleep(xsMachine *the)
{
	double milliseconds = xsmcToNumber(xsArg(0));
	int pin = xsmcToInteger(xsArg(1));
	esp_err_t error = esp_sleep_enable_timer_wakeup((uint64_t)(milliseconds * 1000));
	if (error == ESP_OK && pin >= 0)
		error = wake_at(pin, xsmcToInteger(xsArg(2)));
	if (error != ESP_OK)
		xsRangeError("Power: this chip cannot sleep so (ESP-IDF error 0x%x)", (unsigned)error);
	esp_wifi_stop();
	esp_deep_sleep_start();
}

#endif
