#include "loader.h"

#include "allocation.h"
#include "errors.h"
#include "native-table.h"
#include "options.h"
#include "parse-module.h"

/* Generated from tsconfig.json: { specifier, path }, and their number. */
#include "specifiers.h"

static const char config_module[] = "mc/config";

static bool finished;

/* Host functions of modules. XS 17 keeps pointers to them, so they live as long as the machine. */
struct host_functions {
	struct host_functions* next;
	txHostFunctionBuilder builders[];
};

static struct host_functions* all_host_functions;

/* The module whose host functions XS is about to ask for. fxRunScript has no room for an argument. */
static const txScript* linking;

static const char* path_of_specifier(const char* specifier)
{
	if (options.config && strcmp(specifier, config_module) == 0)
		return specifier;
	for (size_t i = 0; i < specifier_count; i++)
		if (strcmp(specifiers[i].specifier, specifier) == 0)
			return specifiers[i].path;
	return specifier;
}

/* Resolves "./" and "../" in front of `relative` against the folder of `referrer`. False when it leads out or is too long. */
static bool resolve_relative(const char* referrer, const char* relative, char* path, size_t size)
{
	const char* slash = strrchr(referrer, '/');
	size_t folder = slash ? (size_t)(slash - referrer) + 1 : 0;
	for (;;) {
		if (strncmp(relative, "./", 2) == 0)
			relative += 2;
		else if (strncmp(relative, "../", 3) == 0) {
			if (folder == 0)
				return false;
			relative += 3;
			do
				folder--;
			while (folder > 0 && referrer[folder - 1] != '/');
		}
		else
			break;
	}
	return snprintf(path, size, "%.*s%s", (int)folder, referrer, relative) < (int)size;
}

static bool file_of_module(const char* module, char* file, size_t size)
{
	return snprintf(file, size, "%s/%s.js", options.js, module) < (int)size && access(file, R_OK) == 0;
}

txID fxFindModule(txMachine* the, txSlot* realm, txID referrer_id, txSlot* slot)
{
	(void)realm;
	char specifier[PATH_MAX], path[PATH_MAX], file[PATH_MAX];
	fxToStringBuffer(the, slot, specifier, sizeof(specifier));
	const char* referrer = referrer_id == XS_NO_ID ? "" : fxGetKeyName(the, referrer_id);
	bool found;
	if (specifier[0] == '.') {
		size_t length = strlen(specifier);
		if (length > 3 && strcmp(specifier + length - 3, ".js") == 0)
			specifier[length - 3] = '\0';
		found = resolve_relative(referrer, specifier, path, sizeof(path));
	}
	else
		found = snprintf(path, sizeof(path), "%s", path_of_specifier(specifier)) < (int)sizeof(path);
	if (found && options.config && strcmp(path, config_module) == 0)
		return fxNewNameC(the, path);
	if (found && file_of_module(path, file, sizeof(file)))
		return fxNewNameC(the, path);
	if (referrer[0])
		errors_note_cause("%s imports \"%s\", and there is no such module in %s", referrer, specifier, options.js);
	else
		errors_note_cause("there is no module %s in %s", specifier, options.js);
	return XS_NO_ID;
}

/* Called by fxRunScript: makes the functions and destructors that the module's code refers to by number. */
static void link_host_functions(txMachine* the)
{
	txByte* hosts = linking->hostsBuffer;
	txByte* symbols = linking->symbolsBuffer;
	txID count, symbol_count;
	mxDecodeID(hosts, count);
	mxDecodeID(symbols, symbol_count);
	const char** names = allocation_for_host((size_t)symbol_count, sizeof(*names));
	struct host_functions* made =
		allocation_for_host(1, sizeof(*made) + (size_t)count * sizeof(made->builders[0]));
	if (!names || !made) {
		free(names);
		free(made);
		mxUnknownError("not enough memory for the natives of a module");
	}
	for (txID i = 1; i < symbol_count; i++) {
		names[i] = (const char*)symbols;
		symbols += strlen((const char*)symbols) + 1;
	}
	made->next = all_host_functions;
	all_host_functions = made;
	const char* missing = NULL;
	for (txID i = 0; i < count; i++) {
		txHostFunctionBuilder* builder = &made->builders[i];
		builder->length = (txS1)*hosts++;
		txID symbol;
		mxDecodeID(hosts, symbol);
		const char* name = (const char*)hosts;
		hosts += strlen(name) + 1;
		builder->id = symbol == XS_NO_ID ? XS_NO_ID : fxNewNameC(the, (txString)names[symbol]);
		builder->callback =
			builder->length < 0 ? (txCallback)native_destructor(name) : native_function(name);
		if (!builder->callback)
			missing = name;
	}
	free(names);
	if (missing)
		mxReferenceError("there is no native %s", missing);
	fxBuildHosts(the, count, made->builders);
	mxPullSlot(mxResult);
}

static void resolve(txMachine* the, txSlot* module, txID id, txScript* script)
{
	linking = script;
	if (script->hostsBuffer)
		script->callback = link_host_functions;
	fxResolveModule(the, module, id, script, NULL, NULL);
}

/* The JSON file of --config as a module: checked here, so that a mistake in it is said with the name of the file. */
static txScript* parse_config(txMachine* the, struct parse_error* error)
{
	char* source = parse_read_file(options.config, error);
	if (!source)
		return NULL;
	bool valid = false;
	{
		mxTry(the) {
			mxPushStringC(source);
			mxPush(mxGlobal);
			mxGetID(id_of(the, "JSON"));
			mxDub();
			mxGetID(id_of(the, "parse"));
			mxCall();
			mxPushStringC(source);
			mxRunCount(1);
			mxPop();
			mxPop();
			valid = true;
		}
		mxCatch(the) {
			parse_set_error(error, "%s is not valid JSON: %s", options.config,
				xsToString(xsGet(mxException, id_of(the, "message"))));
			mxException = mxUndefined;
		}
	}
	txScript* script = valid ? parse_json_module(the, config_module, source, error) : NULL;
	free(source);
	return script;
}

static void load(txMachine* the, txSlot* module, txID id)
{
	const char* name = fxGetKeyName(the, id);
	struct parse_error error = { .message = "" };
	txScript* script;
	if (options.config && strcmp(name, config_module) == 0)
		script = parse_config(the, &error);
	else {
		char file[PATH_MAX];
		if (!file_of_module(name, file, sizeof(file)))
			mxReferenceError("there is no module %s in %s", name, options.js);
		script = parse_module(the, file, &error);
	}
	if (!script) {
		/* XS would cut the message to fit its own buffer. */
		errors_note_cause("%s cannot be loaded: %s", name, error.message);
		mxSyntaxError("%s", error.message);
	}
	if (options.sizes)
		printf("size %s %d %d\n", name, (int)script->codeSize, (int)script->symbolsSize);
	resolve(the, module, id, script);
}

void fxLoadModule(txMachine* the, txSlot* module, txID id)
{
	mxTry(the) {
		load(the, module, id);
	}
	mxCatch(the) {
		errors_note_cause("%s cannot be loaded: %s", fxGetKeyName(the, id),
			xsToString(xsGet(mxException, id_of(the, "message"))));
		fxJump(the);
	}
}

static void run_fulfilled(xsMachine* the)
{
	(void)the;
	finished = true;
}

static void run_rejected(xsMachine* the)
{
	finished = true;
	errors_report(the, "exception", &xsArg(0));
}

void loader_run(xsMachine* machine, const char* specifier)
{
	xsBeginHost(machine);
	xsVars(3);
	txSlot* realm = mxModuleInstanceInternal(mxProgram.value.reference)->value.module.realm;
	mxPushStringC((txString)specifier);
#if XS_MAJOR_VERSION >= 17
	mxPushUndefined(); /* import attributes */
	fxRunImport(the, realm, NULL);
	mxPullSlot(&xsVar(0));
#else
	fxRunImport(the, realm, XS_NO_ID);
	mxPullSlot(&xsVar(0));
#endif
	xsVar(1) = xsNewHostFunction(run_fulfilled, 1);
	xsVar(2) = xsNewHostFunction(run_rejected, 1);
	xsCall2(xsVar(0), id_of(the, "then"), xsVar(1), xsVar(2));
	xsEndHost(machine);
}

bool loader_finished(void)
{
	return finished;
}

void loader_forget(void)
{
	while (all_host_functions) {
		struct host_functions* next = all_host_functions->next;
		free(all_host_functions);
		all_host_functions = next;
	}
}
