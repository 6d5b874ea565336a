/*
 * What the SDK's Wi-Fi interface leaves out, by ESP-IDF itself: why a link ended, joining one access point without a
 * search, power save, a restart of the radio. The SDK's handlers of the same events stay in place: they keep `connection`
 * and `address`.
 */
#if defined(ESP_PLATFORM)

#undef BOOTLOADER_BUILD
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#include "xs-port.h"

#include "xsHost.h"

#include "esp_event.h"
#include "esp_wifi.h"

#include <stdio.h>
#include <string.h>

/* The instance that listens. Its function is remembered, so that the collector leaves it alone. */
static struct {
	xsMachine *the;
	xsSlot on_disconnected;
	esp_event_handler_instance_t handler;
} listener;

static void check(xsMachine *the, esp_err_t error, const char *what)
{
	if (error != ESP_OK)
		xsUnknownError("%s: ESP-IDF error 0x%x", what, (unsigned)error);
}

/* On the JavaScript task. */
static void deliver(void *machine, void *refcon, uint8_t *message, uint16_t length)
{
	xsMachine *the = machine;
	uint8_t reason = message[0];
	(void)refcon;
	(void)length;
	if (!listener.the)
		return;
	xsBeginHost(the);
	xsCallFunction1(listener.on_disconnected, xsGlobal, xsInteger(reason));
	xsEndHost(the);
}

/* On ESP-IDF's event task, which has no more to do with JavaScript than to post a message to it. */
static void on_disconnected(void *context, esp_event_base_t base, int32_t event, void *data)
{
	const wifi_event_sta_disconnected_t *disconnected = data;
	uint8_t reason = disconnected->reason;
	(void)context;
	(void)base;
	(void)event;
	/* The node's own wish to leave is no news. */
	if (listener.the && reason != WIFI_REASON_ASSOC_LEAVE)
		modMessagePostToMachine(listener.the, &reason, sizeof reason, deliver, NULL);
}

static void forget_listener(void)
{
	if (!listener.the)
		return;
	esp_event_handler_instance_unregister(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, listener.handler);
	xsMachine *the = listener.the;
	listener.the = NULL;
	xsForget(listener.on_disconnected);
}

/* (onDisconnected) The SDK's constructor has started the radio and the event loop. */
void xs_station_listen(xsMachine *the)
{
	forget_listener();
	listener.on_disconnected = xsArg(0);
	check(the,
	      esp_event_handler_instance_register(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, on_disconnected, NULL,
	                                          &listener.handler),
	      "Wi-Fi events");
	xsRemember(listener.on_disconnected);
	listener.the = the;
}

void xs_station_silence(xsMachine *the)
{
	(void)the;
	forget_listener();
}

/* Copies a text into a field that ends with the text or is full. Throws when it is longer. */
static void copy_text(xsMachine *the, xsSlot *text, uint8_t *into, size_t size, const char *what)
{
	const char *bytes = xsmcToString(*text);
	size_t length = strlen(bytes);
	if (length > size)
		xsRangeError("%s: at most %u bytes", what, (unsigned)size);
	memcpy(into, bytes, length);
}

/* (SSID, password, BSSID, channel): "" and 0 where it is not known */
void xs_station_join(xsMachine *the)
{
	wifi_config_t config = {0};
	wifi_sta_config_t *station = &config.sta;
	unsigned byte[6];
	copy_text(the, &xsArg(0), station->ssid, sizeof station->ssid, "SSID");
	copy_text(the, &xsArg(1), station->password, sizeof station->password, "password");
	station->channel = (uint8_t)xsmcToInteger(xsArg(3));
	station->scan_method = WIFI_ALL_CHANNEL_SCAN;
	station->sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
	station->sae_pwe_h2e = WPA3_SAE_PWE_BOTH;
	station->pmf_cfg.capable = true;
	if (sscanf(xsmcToString(xsArg(2)), "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
	           &byte[5]) == 6) {
		station->bssid_set = true;
		for (int i = 0; i < 6; i++)
			station->bssid[i] = (uint8_t)byte[i];
		if (station->channel)
			station->scan_method = WIFI_FAST_SCAN;
	}
	check(the, esp_wifi_set_config(WIFI_IF_STA, &config), "Wi-Fi settings");
	check(the, esp_wifi_connect(), "Wi-Fi join");
}

/* (0 none, 1 minimum, 2 maximum) */
void xs_station_set_power_save(xsMachine *the)
{
	static const wifi_ps_type_t modes[] = {WIFI_PS_NONE, WIFI_PS_MIN_MODEM, WIFI_PS_MAX_MODEM};
	check(the, esp_wifi_set_ps(modes[xsmcToInteger(xsArg(0))]), "Wi-Fi power save");
}

void xs_station_restart(xsMachine *the)
{
	esp_wifi_disconnect();
	check(the, esp_wifi_stop(), "Wi-Fi stop");
	check(the, esp_wifi_start(), "Wi-Fi start");
}

#endif
