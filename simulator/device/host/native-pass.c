#include "native-pass.h"

static bool is(const void* node, txToken token)
{
	const txNode* it = node;
	return it && it->description && it->description->token == token;
}

/*
 * A constructor of exactly `super(); native("x").call(this, options);` becomes the native itself on XS 17, and then the
 * fields of the class are never initialised. It would work on XS 13; it must not, so that nobody finds out on a board.
 */
static void report_lost_fields(txParser* parser, txInteger line)
{
	fxReportParserError(parser, line,
		"this constructor becomes the native itself, and the fields of the class are lost: move the native call "
		"into a private method");
}

#if XS_MAJOR_VERSION >= 17

/* This XS has made host functions of the natives already; what is left is to refuse the class that it breaks. */
static void visit(void* it, void* param)
{
	txNode* node = it;
	if (!node)
		return;
	txClassNode* class = (txClassNode*)node;
	if (is(node, XS_TOKEN_CLASS) && class->instanceInit && is(class->constructor, XS_TOKEN_HOST))
		report_lost_fields(param, node->line);
	(*node->description->dispatch->distribute)(node, visit, param);
}

void native_pass(txParser* parser)
{
	if (parser->root)
		visit(parser->root, parser);
}

#else

struct pass {
	txParser* parser;
	txSymbol* native;
	txSymbol* call;
	int depth; /* functions around the node */
};

/* Not a plain function or method: its body may not become its whole self. */
static const txUnsigned special_function =
	mxArrowFlag | mxAsyncFlag | mxGeneratorFlag | mxBaseFlag | mxDerivedFlag | mxFieldFlag;

/* The name in native("name").call(this, …), or NULL when the node is something else. */
static txStringNode* name_of_native_call(const struct pass* pass, txNode* node)
{
	txCallNewNode* call = (txCallNewNode*)node;
	if (!is(call, XS_TOKEN_CALL))
		return NULL;
	txMemberNode* member = (txMemberNode*)call->reference;
	if (!is(member, XS_TOKEN_MEMBER) || member->symbol != pass->call)
		return NULL;
	txCallNewNode* lookup = (txCallNewNode*)member->reference;
	if (!is(lookup, XS_TOKEN_CALL))
		return NULL;
	txAccessNode* callee = (txAccessNode*)lookup->reference;
	if (!is(callee, XS_TOKEN_ACCESS) || callee->symbol != pass->native)
		return NULL;
	txParamsNode* arguments = (txParamsNode*)lookup->params;
	if (!is(arguments, XS_TOKEN_PARAMS) || arguments->items->length != 1)
		return NULL;
	txStringNode* name = (txStringNode*)arguments->items->first;
	return is(name, XS_TOKEN_STRING) ? name : NULL;
}

/* `parameter` is declared as it is passed on: count → count, ...rest → ...rest. */
static bool passes_on(txNode* parameter, txNode* argument)
{
	if (is(parameter, XS_TOKEN_REST_BINDING)) {
		if (!is(argument, XS_TOKEN_SPREAD))
			return false;
		parameter = ((txRestBindingNode*)parameter)->binding;
		argument = ((txSpreadNode*)argument)->expression;
	}
	return is(parameter, XS_TOKEN_ARG) && is(argument, XS_TOKEN_ACCESS) &&
		((txDeclareNode*)parameter)->symbol == ((txAccessNode*)argument)->symbol;
}

/* The arguments of .call are `this` and then the function's own parameters, all of them, in their order. */
static bool passes_all_on(txFunctionNode* function, txCallNewNode* call)
{
	txParamsBindingNode* parameters = (txParamsBindingNode*)function->params;
	txParamsNode* arguments = (txParamsNode*)call->params;
	if (!is(parameters, XS_TOKEN_PARAMS_BINDING) || !is(arguments, XS_TOKEN_PARAMS))
		return false;
	if (arguments->items->length != parameters->items->length + 1)
		return false;
	txNode* argument = arguments->items->first;
	if (!is(argument, XS_TOKEN_THIS))
		return false;
	for (txNode* parameter = parameters->items->first; parameter; parameter = parameter->next) {
		argument = argument->next;
		if (!passes_on(parameter, argument))
			return false;
	}
	return true;
}

static txNode* only_expression(txFunctionNode* function)
{
	txBodyNode* body = (txBodyNode*)function->body;
	if (!is(body, XS_TOKEN_BODY))
		return NULL;
	txNode* statement = body->statement;
	if (is(statement, XS_TOKEN_RETURN) || is(statement, XS_TOKEN_STATEMENT))
		return ((txStatementNode*)statement)->expression;
	return NULL;
}

/* Overwrites the function's node, which is the larger one, by the node of a host function. */
static bool become_host_function(const struct pass* pass, txFunctionNode* function)
{
	_Static_assert(sizeof(txHostNode) <= sizeof(txFunctionNode), "a host node takes the place of a function node");
	txNode* expression = only_expression(function);
	txStringNode* name = expression ? name_of_native_call(pass, expression) : NULL;
	if (!name || !passes_all_on(function, (txCallNewNode*)expression))
		return false;
	txSymbol* symbol = function->symbol;
	txNode* parameters = function->params;
	txHostNode* host = (txHostNode*)function;
	host->description = &gxTokenDescriptions[XS_TOKEN_HOST];
	host->symbol = symbol;
	host->params = parameters;
	host->at = name;
	host->nextHostNode = NULL;
	host->paramsCount = 0;
	return true;
}

static void refuse_lost_fields(const struct pass* pass, txClassNode* class)
{
	txFunctionNode* constructor = (txFunctionNode*)class->constructor;
	if (!class->instanceInit || !is(constructor, XS_TOKEN_FUNCTION) || !(constructor->flags & mxDerivedFlag))
		return;
	txBodyNode* body = (txBodyNode*)constructor->body;
	txStatementsNode* statements = is(body, XS_TOKEN_BODY) ? (txStatementsNode*)body->statement : NULL;
	if (!is(statements, XS_TOKEN_STATEMENTS) || statements->items->length != 2)
		return;
	txStatementNode* last = (txStatementNode*)statements->items->first->next;
	if (!is(last, XS_TOKEN_STATEMENT) || !name_of_native_call(pass, last->expression))
		return;
	if (passes_all_on(constructor, (txCallNewNode*)last->expression))
		report_lost_fields(pass->parser, constructor->line);
}

static void visit(void* it, void* param)
{
	txNode* node = it;
	struct pass* pass = param;
	/* XS hands NULL on for what may be left out, such as the parameter of catch. */
	if (!node)
		return;
	bool function = is(node, XS_TOKEN_FUNCTION);
	if (function && pass->depth == 0 && !(node->flags & special_function) &&
		become_host_function(pass, (txFunctionNode*)node))
		return;
	if (is(node, XS_TOKEN_CLASS))
		refuse_lost_fields(pass, (txClassNode*)node);
	/* XS allows host functions only at the level of the module. */
	function = function || is(node, XS_TOKEN_GENERATOR);
	pass->depth += function;
	(*node->description->dispatch->distribute)(node, visit, param);
	pass->depth -= function;
}

void native_pass(txParser* parser)
{
	struct pass pass = {
		.parser = parser,
		.native = fxNewParserSymbol(parser, "native"),
		.call = fxNewParserSymbol(parser, "call"),
	};
	if (parser->root)
		visit(parser->root, &pass);
}

#endif
